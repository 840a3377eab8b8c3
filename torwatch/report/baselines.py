"""What others measured, printed beside our own figure; each with its source."""

from __future__ import annotations

BASELINES = (
    (
        "Feb\u2013Jul 2012",
        "Christin, Traveling the Silk Road, WWW'13",
        "items",
        "6.52 % of 24,385 items, rank 3; 16.29 % undeclared; bounds 6.52 / 7.79 / 22.81 %",
    ),
    ("Jan 2016", "RAND Europe / WODC RR1607, 8 markets", "drug revenue", "around 7 % of USD 14.2 M a month; about USD 13 M a year"),
    ("2015\u201317", "EMCDDA/Europol 2017, AlphaBay", "revenue", "over EUR 10 M (FR 2, ES 0.5, BE 0.4)"),
    ("2017\u201318", "Christin & Thomas 2019, via CRRC, 11 months", "revenue", "USD 12.26 M (UK 33.56, DE 22.37, FR 4.52)"),
)
