"""The archive read again: a market's history made anew with a mended parser, or the whole database."""
