from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from torwatch.ops.allocator import HEAPS

# eight threads that allocate at once; then glibc's own account, in which each heap is an element
SCRIPT = """
import ctypes, sys, threading
from torwatch.ops.allocator import share_heaps
if sys.argv[1] == "shared":
    assert share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
together = threading.Barrier(8)
def allocate():
    together.wait()
    libc.malloc(ctypes.c_size_t(50_000))
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
account = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(account))
libc.fclose(ctypes.c_void_p(account))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to share heaps")
def test_threads_share_few_heaps(tmp_path):
    heaps = {}
    for how in ("shared", "own"):
        account = tmp_path / f"{how}.xml"
        subprocess.run([sys.executable, "-c", SCRIPT, how, str(account)], check=True)
        heaps[how] = account.read_text().count("<heap nr=")
    assert 1 <= heaps["shared"] <= HEAPS < heaps["own"]
