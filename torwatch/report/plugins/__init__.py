"""Plugins that `torwatch serve` hands to datasette: it loads every file of this folder."""
