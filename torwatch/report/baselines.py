"""What others measured, printed beside our own figure; each with its source; every text in English and Dutch."""

from __future__ import annotations

# (period, source, measure, Netherlands), each as (English, Dutch)
BASELINES: tuple[tuple[tuple[str, str], ...], ...] = (
    (
        ("Feb\u2013Jul 2012", "feb\u2013jul 2012"),
        ("Christin, Traveling the Silk Road, WWW'13",) * 2,
        ("items", "artikelen"),
        (
            "6.52 % of 24,385 items, rank 3; 16.29 % undeclared; bounds 6.52 / 7.79 / 22.81 %",
            "6,52 % van 24.385 artikelen, derde; 16,29 % niet opgegeven; grenzen 6,52 / 7,79 / 22,81 %",
        ),
    ),
    (
        ("Feb\u2013Jul 2012", "feb\u2013jul 2012"),
        ("Christin, Traveling the Silk Road, WWW'13",) * 2,
        ("destinations, all items", "bestemmingen, alle artikelen"),
        (
            "worldwide 49.67 %, AU 2.87 %, NZ 0.56 %; about USD 1.22 M of sales a month",
            "wereldwijd 49,67 %, AU 2,87 %, NZ 0,56 %; zo'n USD 1,22 mln verkoop per maand",
        ),
    ),
    (
        ("Jan 2016", "jan 2016"),
        ("RAND Europe / WODC RR1607, 8 markets", "RAND Europe / WODC RR1607, 8 markten"),
        ("drug revenue", "omzet in drugs"),
        (
            "around 7 % of USD 14.2 M a month (12.0 M without medicines, alcohol, tobacco); about USD 13 M a year; 13.4 vendors per million inhabitants",
            "zo'n 7 % van USD 14,2 mln per maand (12,0 mln zonder geneesmiddelen, alcohol, tabak); ongeveer USD 13 mln per jaar; 13,4 verkopers per miljoen inwoners",
        ),
    ),
    (
        ("2015\u201317",) * 2,
        ("EMCDDA/Europol 2017, AlphaBay",) * 2,
        ("revenue", "omzet"),
        ("over EUR 10 M (FR 2, ES 0.5, BE 0.4)", "meer dan EUR 10 mln (FR 2, ES 0,5, BE 0,4)"),
    ),
    (
        ("2017\u201318",) * 2,
        ("Christin & Thomas 2019, via CRRC, 11 months", "Christin & Thomas 2019, via CRRC, 11 maanden"),
        ("revenue of European vendors", "omzet van Europese verkopers"),
        ("USD 12.26 M (UK 33.56, DE 22.37, FR 4.52)", "USD 12,26 mln (VK 33,56, DE 22,37, FR 4,52)"),
    ),
)
