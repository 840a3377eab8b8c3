"""The programs that torwatch is measured against, in a virtual environment of their own, made from its lock file when one is first wanted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / ".venv-bench"
LOCK = CHECKOUT / "requirements" / "bench.txt"
STAMP = FOLDER / ".installed"
INSTALL = (FOLDER / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")


def rival(name):
    """The path of a rival's program; skips the measurement, with the reason, where it is not there and cannot be installed."""
    if not STAMP.exists() or STAMP.stat().st_mtime < LOCK.stat().st_mtime:
        sys.stdout.write("\nsetting up .venv-bench from requirements/bench.txt (once; a minute or two)\n")
        sys.stdout.flush()
        for command in ((CHECKOUT / "tools" / "make-venv", FOLDER), (*INSTALL, "--require-hashes", "--requirement", LOCK)):
            done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines() or ["no word"]
                pytest.skip(f"no {name} to measure against, .venv-bench cannot be made without the network: {said[-1]}")
        STAMP.touch()
    return FOLDER / "bin" / name
