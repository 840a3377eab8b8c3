"""The normalisers: what a page claims, as codes, exact decimals and groups; the raw text stays beside it."""
