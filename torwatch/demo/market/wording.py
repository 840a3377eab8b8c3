"""How the claims of a simulated market follow from a seed and from how many changes lie behind a thing."""

from __future__ import annotations

import base64
import random
from decimal import Decimal


def count_changes(age: float, first: float, every: float) -> int:
    """How many change times lie behind a thing of this age (days)."""
    return 0 if age < first else 1 + int((age - first) / every)


def pick(seed: int, what: str, version: int, count: int) -> int:
    """An index below `count`; neighbouring versions differ."""
    offset = (seed >> len(what)) % count
    stride = 1 + (seed >> 17) % (count - 1)
    return (offset + version * stride) % count


def draw_price(cents: int, seed: int, version: int) -> Decimal:
    """The price of one version, two places exact; neighbouring versions differ."""
    factor = 80 + ((seed >> 9) + version * 17) % 41  # between 0.80 and 1.20; 17 and 41 have no common factor
    return Decimal(cents * factor // 100).scaleb(-2)


def code_of(origin_class: str, origin: str | None) -> str:
    """How an index with codes shows a claimed origin; empty where nothing is declared."""
    return origin or {"region": "EU", "world": "WW"}.get(origin_class, "")


def join_sentences(sentences: tuple[str, ...], seed: int, what: str, version: int) -> str:
    """A text of two to five of the sentences; neighbouring versions begin differently."""
    start = pick(seed, what, version, len(sentences))
    count = 2 + seed % 4
    return " ".join(sentences[(start + step * 3) % len(sentences)] for step in range(count))


def make_fake_key(seed: int, version: int) -> str:
    """Text in the armour of a public key block; it decodes to nothing that any OpenPGP program takes."""
    body = base64.b64encode(random.Random(seed + version).randbytes(240)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: simulated, no key\n\n{lines}\n-----END PGP PUBLIC KEY BLOCK-----"
