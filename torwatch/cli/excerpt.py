"""Excerpts: values of claims as people read them, cut to fit a table; `--json` prints all."""

from __future__ import annotations

from torwatch.cli.context import the_store

TEXTS = frozenset({"description", "profile", "pgp"})  # claims that are the digest of a text
LINE_CHARACTERS = 60


def readable(claim: str, value: str | None) -> str | None:
    """A value in words: of a digest the text, of a PGP block the fingerprints of its keys."""
    if not value or claim not in TEXTS:
        return value
    body: str = the_store().value("SELECT body FROM text WHERE digest = ?", (value,)) or value
    if claim != "pgp":
        return body
    from torwatch.normalise.openpgp import read_keys

    return ", ".join(key.fingerprint for key in read_keys(body)) or value


def excerpts(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Two values, each cut to a line that begins a little before the first sign that differs."""
    if not old or not new or max(len(old), len(new)) <= LINE_CHARACTERS:
        return shorten(old), shorten(new)
    same = next((place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, same - LINE_CHARACTERS // 3)
    return shorten(old, start), shorten(new, start)


def shorten(value: str | None, start: int = 0) -> str | None:
    """A value that fits a line, from a place on."""
    if value is None:
        return None
    flat = " ".join(value[start : start + 2 * LINE_CHARACTERS].split())
    cut = len(flat) > LINE_CHARACTERS or len(value) > start + 2 * LINE_CHARACTERS
    return ("…" if start else "") + flat[:LINE_CHARACTERS] + ("…" if cut else "")
