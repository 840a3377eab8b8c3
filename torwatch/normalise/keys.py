"""Identity keys: the same thing gets the same key in every process, on every machine, in every year."""

from __future__ import annotations

import hashlib
import json
import re

from torwatch.normalise.text import fold_for_matching

_NOT_HANDLE = re.compile(r"[\W_]+")


def identity_key(kind: str, **fields: str | int | None) -> str:
    """Give the sha256 (64 hex digits) of a thing's named fields, for what carries no id of its market.

    The fields are written as JSON with sorted names, so order does not matter, None differs from an empty text, and no two sets of fields
    can run into one another. Python's own hash() is salted by process and never used.
    """
    canonical = json.dumps([kind, fields], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def handle(name: str) -> str:
    """Give a vendor's name as it is compared across markets: folded, only letters and digits; "" where nothing is left.

    The same handle on two markets is a *candidate* for the same seller, never a link: names are free to take.
    """
    return _NOT_HANDLE.sub("", fold_for_matching(name))
