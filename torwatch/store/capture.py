"""A compact set of ids: ascending differences as variable-length integers, then zlib. Exactly recoverable."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTINUE = 0x80
LOW_BITS = 0x7F


def encode_ids(ids: Iterable[int]) -> bytes:
    """Encode a set of positive ids; the order and repeats of `ids` do not matter."""
    out = bytearray()
    previous = 0
    for value in sorted(set(ids)):
        step = value - previous
        previous = value
        while step > LOW_BITS:
            out.append(step & LOW_BITS | CONTINUE)
            step >>= 7
        out.append(step)
    return zlib.compress(bytes(out), 9)


def decode_ids(data: bytes) -> list[int]:
    """Give back the ids, ascending."""
    ids = []
    value = step = shift = 0
    for byte in zlib.decompress(data):
        step |= (byte & LOW_BITS) << shift
        if byte & CONTINUE:
            shift += 7
            continue
        value += step
        ids.append(value)
        step = shift = 0
    return ids
