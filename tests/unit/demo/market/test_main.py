"""The simulated market as a command."""

import signal
import socket
import subprocess
import sys

import pytest

from torwatch.demo.market.__main__ import main


def test_pages_can_be_written_as_files(tmp_path, capsys):
    assert main(["--engine", "souk", "--write-pages", str(tmp_path)]) == 0
    names = {line.split("\t")[0] for line in capsys.readouterr().out.splitlines()}
    assert names == {path.name for path in tmp_path.iterdir()}
    assert {"home.html", "index.html", "listing.html", "vendor.html", "feedback.html"} <= names


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        main(["--engine", "bazaar", "--seed", "4", "--write-pages", str(tmp_path / folder)])
    assert (tmp_path / "one" / "index.html").read_bytes() == (tmp_path / "two" / "index.html").read_bytes()


@pytest.mark.parametrize("name", ["bazaar", "souk"])
def test_the_fixtures_of_the_parsers_are_what_the_documented_command_writes(name, tmp_path, checkout):
    folder = checkout / "parsers" / name
    command = next(line for line in (folder / "NOTES.md").read_text(encoding="utf-8").splitlines() if "--write-pages" in line)
    arguments = command.split("torwatch.demo.market", 1)[1].split()
    assert arguments[-1] == f"parsers/{name}/pages"
    main([*arguments[:-1], str(tmp_path)])
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(written) > 20
    assert written == {path.name: path.read_bytes() for path in (folder / "pages").iterdir()}


def test_it_serves_until_it_is_interrupted(checkout):
    command = [sys.executable, "-u", "-m", "torwatch.demo.market", "--listings", "20", "--port", "0", "--day-seconds", "0.05"]
    # A suite that runs in the background has SIGINT ignored, and what it starts inherits that.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 - one call
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=checkout, preexec_fn=heed) as process:  # noqa: PLW1509 - see above
        first, second = process.stdout.readline(), process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert "bazaar on http://127.0.0.1:" in first
    assert second.startswith("2026-01-06: ")
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--at", "2026-01-05"], "time zone"),
        (["--listings", "0"], "at least one listing"),
        (["--fault", "slow", "--fault-path", "("], "missing"),
        (["--engine", "nosuch"], "invalid choice"),
    ],
)
def test_bad_arguments_are_one_clear_line(arguments, line, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert line in capsys.readouterr().err.splitlines()[-1]


def test_a_port_in_use_is_one_clear_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--listings", "5", "--port", str(taken.getsockname()[1])]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cannot listen on port")
