"""The shells complete commands, options and their values."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TORWATCH = str(Path(sys.executable).with_name("torwatch"))


def ask(**environ):
    done = subprocess.run([TORWATCH], env=os.environ | environ, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize(
    ("words", "number", "expected"),
    [
        ("torwatch st", 1, {"plain,state", "plain,status"}),
        ("torwatch target pro", 2, {"plain,probe"}),
        ("torwatch answer --la", 2, {"plain,--lang"}),
        ("torwatch answer --lang ", 3, {"plain,en", "plain,nl"}),
    ],
)
def test_bash_completes_commands_options_and_values(words, number, expected):
    said = ask(_TORWATCH_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(number))
    assert set(said.splitlines()) == expected


@pytest.mark.parametrize(("shell", "check"), [("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])])
def test_the_script_of_each_shell_is_one_that_it_understands(shell, check, tmp_path):
    script = tmp_path / "script"
    script.write_text(ask(_TORWATCH_COMPLETE=f"{shell}_source"))
    assert "torwatch" in script.read_text()
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: its script was made, but not read by it")
    subprocess.run([*check, script], check=True, timeout=60)
