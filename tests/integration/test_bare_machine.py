"""What a bare machine lacks is installed with apt where that needs no asking; else one line says what to install. apt is a stand-in here."""

from __future__ import annotations

import shutil
import subprocess

import pytest

APT = """#!/bin/sh
# as on a fresh machine: nothing can be installed before the lists are fetched
echo "$*" >> "$APT_LOG"
case "$1" in
update) touch "$APT_LOG.lists" ;;
install)
    [ -e "$APT_LOG.lists" ] || { echo "E: Unable to locate package" >&2; exit 100; }
    [ -z "$APT_BROKEN" ] || exit 100
    for package in "$@"; do case $package in teapot|chromium|python3-venv)
        name=$package
        [ $package = chromium ] && name=chromium-browser
        [ $package = python3-venv ] && { cp "$STAND_IN_PYTHON" "$STAND_IN_BIN/python3"; continue; }
        printf '#!/bin/sh\\n' > "$STAND_IN_BIN/$name"; chmod 755 "$STAND_IN_BIN/$name" ;;
    esac; done ;;
esac
"""
# says yes to every question about itself, and makes a virtual environment of nothing
PYTHON = '#!/bin/sh\n[ "$1 $2" = "-m venv" ] && mkdir -p "$3"\nexit 0\n'


@pytest.fixture
def machine(tmp_path, checkout):
    """Give a function that runs a tool on a machine with the commands of a bare Debian, as root or not; and what it has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "sh", "env", "dirname", "touch", "chmod", "cp", "mkdir", "rm"):
        (folder / name).symlink_to(shutil.which(name))
    for name, text in (("apt-get", APT), ("python.stand-in", PYTHON), ("sudo", "#!/bin/sh\nexit 1\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    log = tmp_path / "apt.log"

    def run(tool, *words, root=True, **environ):
        (folder / "id").write_text(f"#!/bin/sh\necho {0 if root else 1000}\n")
        (folder / "id").chmod(0o755)
        done = subprocess.run(
            [folder / "bash", checkout / "tools" / tool, *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={
                "PATH": str(folder),
                "APT_LOG": str(log),
                "STAND_IN_BIN": str(folder),
                "STAND_IN_PYTHON": str(folder / "python.stand-in"),
                **environ,
            },
        )
        return done.returncode, done.stderr.splitlines(), log.read_text().splitlines() if log.exists() else []

    return run


def test_what_is_missing_is_installed_after_the_lists_were_fetched(machine):
    code, said, asked = machine("system-packages", "teapot", "chromium")
    assert (code, said) == (0, ["Installing with apt-get: teapot chromium"])
    assert [line.split()[0] for line in asked] == ["install", "update", "install"]
    assert asked[-1].endswith("--no-install-recommends teapot chromium")
    assert machine("system-packages", "teapot", "chromium") == (0, [], asked)  # what is there costs nothing


@pytest.mark.parametrize(
    ("words", "code", "says"), [(["teapot"], 1, "Missing: teapot."), (["--optional", "teapot"], 0, "Going on without")]
)
@pytest.mark.parametrize("why", ["no right to install", "apt cannot"])
def test_what_cannot_be_installed_is_one_line_with_the_command(machine, words, code, says, why):
    environ = {"APT_BROKEN": "yes"} if why == "apt cannot" else {}
    found, said, _ = machine("system-packages", *words, root=why == "apt cannot", **environ)
    assert found == code
    assert said[-1].startswith(says)
    assert said[-1].endswith("sudo apt-get install teapot")
    assert len(said) == (2 if why == "apt cannot" else 1)


def test_a_machine_without_any_python_gets_one(machine, tmp_path):
    code, said, _ = machine("make-venv", str(tmp_path / "venv"))
    assert (code, said) == (0, ["Installing with apt-get: python3-venv"])
    assert (tmp_path / "venv").is_dir()


def test_a_python_that_is_named_and_not_there_is_one_line(machine, tmp_path):
    code, said, asked = machine("make-venv", str(tmp_path / "venv"), PYTHON="python9.9")
    assert (code, asked) == (1, [])
    assert said == ["torwatch needs Python 3.11, 3.12 or 3.13; none of these is one: python9.9. PYTHON=… names another"]
