"""The guardian: a small process that outlives its parent by a moment, to kill the parent's tor processes and remove their runtime directory.

Why a process: PR_SET_PDEATHSIG fires when the creating *thread* ends, tor looks at `__OwningControllerProcess` every 15 s only, and neither
helps a tor that is stopped by SIGSTOP. The guardian holds a pidfd of its parent and of every process it watches, so neither a reused
pid nor a forked child that still holds the pipe can mislead it. It is also the pid tor is told as its owning controller: when guardian and
parent are killed together the network still ends within 15 s (but for a paused node), and stem in the parent never takes a node over,
as its `authenticate` does when it finds its own pid there.

This file is run by its path in a bare interpreter: it imports the standard library only.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self


class Guardian:
    """The parent's side: starts the guardian, tells it what to watch, and ends it."""

    def __init__(self, runtime_directory: Path, lock_descriptor: int | None) -> None:
        """Start guarding `runtime_directory`; the guardian keeps `lock_descriptor` open, so that the lock is held until the last tor is dead."""
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(runtime_directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=() if lock_descriptor is None else (lock_descriptor,),
            cwd="/",
            start_new_session=True,  # Ctrl-C is the parent's to handle
        )

    @property
    def pid(self) -> int:
        """The guardian's process id."""
        return self._process.pid

    def watch(self, pid: int) -> None:
        """Have the process killed when the parent ends; a dead guardian is passed over, since tor itself then sees it gone."""
        pipe = self._process.stdin
        if pipe is not None:
            with suppress(OSError):
                pipe.write(b"%d\n" % pid)
                pipe.flush()

    def close(self) -> None:
        """End the guardian: it kills what it still watches, removes the runtime directory and exits."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def guard(parent_pid: int, runtime_directory: Path) -> None:
    """Read pids from stdin, one a line, until it is closed or the parent is dead; then kill them all and remove the directory."""
    watched: list[int] = []
    with suppress(OSError):  # the parent may be dead already: then there is no pid to read either
        parent = os.pidfd_open(parent_pid)
        poll = select.poll()
        poll.register(parent, select.POLLIN)
        poll.register(sys.stdin.fileno(), select.POLLIN | select.POLLHUP)
        rest = b""
        alive = True
        while alive:
            ready = {descriptor for descriptor, _event in poll.poll()}
            if sys.stdin.fileno() in ready:
                chunk = os.read(sys.stdin.fileno(), 4096)
                *lines, rest = (rest + chunk).split(b"\n")
                watched += _opened(lines)
                alive = bool(chunk)
            else:
                alive = parent not in ready
    for process in watched:
        with suppress(OSError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
    for process in watched:
        select.select([process], [], [], 2)  # readable once it is dead: only then will nothing be written any more
    shutil.rmtree(runtime_directory, ignore_errors=True)


def _opened(lines: list[bytes]) -> list[int]:
    """Return a pidfd for each pid that is still there."""
    opened = []
    for line in lines:
        with suppress(OSError):
            opened.append(os.pidfd_open(int(line)))
    return opened


if __name__ == "__main__":
    guard(int(sys.argv[1]), Path(sys.argv[2]))
