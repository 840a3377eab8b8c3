"""The C library's allocator: threads share few heaps, else each of many keeps what its largest page once needed."""

from __future__ import annotations

import ctypes
from typing import Final

M_ARENA_MAX: Final = -8  # glibc's malloc.h
HEAPS: Final = 2


def share_heaps() -> bool:
    """Let the threads of this process share `HEAPS` heaps instead of eight a core; gives whether the C library can be told: glibc alone can."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, HEAPS) == 1
