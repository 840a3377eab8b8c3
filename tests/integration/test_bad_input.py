"""Bad input and bad circumstances: one clear line, exit code 2 or 1, no traceback, and nothing lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import planted
import pytest

from torwatch.cli import main
from torwatch.store import database
from torwatch.tor.address import onion_host

if TYPE_CHECKING:
    from pathlib import Path

TEA = onion_host(bytes(range(32)))
COFFEE = onion_host(bytes(range(1, 33)))
NAMES = ("TORWATCH_CONFIG", "XDG_DATA_HOME")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The data folder of the commands of one test."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.fixture
def run(data, capsys):
    """Run the real command line in this process; gives (exit code, standard output, standard error)."""

    def run_it(*arguments):
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return run_it


@pytest.fixture
def refuse(run):
    """Run a command that must be refused; gives its one line."""

    def refuse_it(*arguments, code=2, config_faults=0):
        left, out, err = run(*arguments)
        assert (left, out) == (code, ""), err
        return the_line(err, config_faults)

    return refuse_it


def the_line(err, more=0):
    lines = err.splitlines()
    assert len(lines) == 1 + more, err
    assert lines[0].startswith("Error: ")
    assert "Traceback" not in err
    return err


@pytest.fixture
def tea(run):
    """A target that exists before the fault."""
    assert run("add", TEA, "--market", "teahouse", "--parser", "souk")[0] == 0
    return "teahouse"


def in_a_process(*arguments, before=(), **environment):
    """Run the command line in a process of its own, after the words of `before`; gives the finished process."""
    return subprocess.run(
        [*before, sys.executable, "-m", "torwatch", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def other_checksum(host):
    """The address with one character typed wrong."""
    return ("b" if host[0] != "b" else "c") + host[1:]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("expyuzz4wqqyqhjn.onion", "v2 address"),
        (other_checksum(TEA), "wrong checksum"),
        ("https://example.com/market", "is not an onion"),
        ("192.0.2.7", "is an IP address"),
        (TEA.replace(".onion", ".onion.example.com"), "web gateway"),
        (TEA.replace("a", "\N{CYRILLIC SMALL LETTER A}", 1), "CYRILLIC SMALL LETTER A"),
        (TEA[3:], "has 53 characters"),
        (TEA.replace(TEA[5], "1", 1), "'1' at place"),
        ("ftp://" + TEA, "only http and https"),
        (f"http://me:{planted.ADDRESS_PASSWORD}@{TEA}/", "no accounts"),
        (f"{TEA}:99999", "no usable port"),
        (" ", "no address given"),
    ],
)
def test_a_bad_address_is_refused_and_says_what_is_wrong(refuse, data, address, said):
    line = refuse("add", address, "--market", "teahouse", "--parser", "souk")
    assert said in line
    assert planted.MARK not in line
    assert not data.exists()


def test_an_unknown_parser_is_refused_with_the_near_names(refuse):
    assert "did you mean souk?" in refuse("add", TEA, "--market", "teahouse", "--parser", "suok")


def test_a_market_without_a_parser_of_its_name_must_name_one_where_tor_cannot_be_asked(refuse, run, tmp_path):
    config = attach(tmp_path, tmp_path / "control")
    code, _, errors = run("--config", config, "add", TEA, "--market", "teahouse")
    assert code == 1
    assert errors.splitlines()[-1].startswith("Error: no parser can be proposed without Tor, name one with --parser")
    assert "teahouse" not in run("target", "list")[1]


def test_a_market_is_watched_once(refuse, run, tea):
    assert "teahouse is watched already" in refuse("add", COFFEE, "--market", tea, "--parser", "souk")
    assert COFFEE not in run("target", "show", tea)[1]


def test_an_address_belongs_to_one_target(refuse, run, tea):
    assert "is an address of teahouse already" in refuse("add", TEA, "--market", "coffeehouse", "--parser", "souk")
    assert "coffeehouse" not in run("target", "list")[1]
    assert "coffeehouse" not in run("market", "list")[1]


def test_an_address_given_twice_is_one_address(run):
    code, out, _ = run("add", TEA, f"http://{TEA.upper()}/login", f"www.{TEA}", "--market", "teahouse", "--parser", "souk")
    assert code == 0
    assert out.count(TEA) == 1


@pytest.mark.parametrize(
    "command",
    [("show",), ("pause",), ("resume",), ("remove", "--yes"), ("edit", "--note", "x"), ("probe",)],
    ids=lambda words: words[0],
)
def test_an_unknown_target_is_refused_with_the_near_names(refuse, tea, command):
    assert "did you mean teahouse?" in refuse("target", command[0], "teahose", *command[1:])


def test_without_a_database_the_line_says_how_to_begin(refuse, data):
    assert "torwatch add ADDRESS" in refuse("target", "show", "teahouse", code=1)
    assert not data.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file"),
        ("[crawl\n", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
    ids=["absent", "no TOML", "no UTF-8"],
)
def test_an_unusable_configuration_is_one_line_with_its_path(refuse, tmp_path, text, said):
    path = tmp_path / "torwatch.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    line = refuse("--config", path, "target", "list")
    assert said in line
    assert str(path) in line


def test_a_faulty_configuration_lists_every_fault_with_its_path(refuse, tmp_path, data):
    path = tmp_path / "torwatch.toml"
    path.write_text("[crawl]\nconcurrency = 0\nread_timeout = 'x'\n[tor]\nmod = 'own'\n[log]\nlevel = 3\n", encoding="utf-8")
    said = refuse("--config", path, "run", config_faults=4)
    for fault in ("crawl.concurrency: ", "crawl.read_timeout: ", "tor.mod: unknown key; did you mean tor.mode?", "log.level: "):
        assert fault in said
    assert not data.exists()


def test_a_database_of_a_newer_version_is_refused_untouched(refuse, run, data, tea):
    path = data / "torwatch.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) SELECT migration_set, 'm9999_from_the_future', applied_at"
            " FROM _sqlite_migrations LIMIT 1"
        )
        connection.commit()
    before = path.read_bytes()
    for command in (("target", "list"), ("run",), ("serve",), ("snapshot", "list")):
        line = refuse(*command, code=1)
        assert "was written by a newer torwatch (it has m9999_from_the_future): upgrade torwatch" in line
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_untouched(refuse, data):
    data.mkdir()
    (data / "torwatch.db").write_text("my shopping list: tea, cheese\n", encoding="utf-8")
    assert "is not a SQLite database" in refuse("add", TEA, "--market", "teahouse", "--parser", "souk", code=1)
    assert (data / "torwatch.db").read_text(encoding="utf-8") == "my shopping list: tea, cheese\n"


def test_a_damaged_database_is_one_line(refuse, data, tea):
    path = data / "torwatch.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[100:] = b"\xaa" * (len(content) - 100)
    path.write_bytes(content)
    assert "is damaged" in refuse("target", "list", code=1)


def test_another_torwatch_at_the_database_is_told_at_once(refuse, data, tea):
    with database.writer_lock(data / "torwatch.db") as ours:
        assert ours
        assert "another torwatch writes to" in refuse("run", code=1)


def test_a_locked_database_is_one_line_and_nothing_is_half_done(refuse, run, data, tea, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 50)
    with contextlib.closing(sqlite3.connect(data / "torwatch.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "is locked by another process" in refuse("add", COFFEE, "--market", "coffeehouse", "--parser", "souk", code=1)
    assert "coffeehouse" not in run("market", "list")[1]


@pytest.mark.parametrize("name", ["../etc", "tea house!", "", "é" * 3, "a" * 65])
def test_a_bad_market_name_is_refused(refuse, data, name):
    assert "cannot be a market's name" in refuse("add", TEA, "--market", name, "--parser", "souk")
    assert "cannot be a market's name" in refuse("market", "add", name)
    assert not data.exists()


@pytest.mark.parametrize(("text", "said"), [("7 parsecs", "is no duration"), ("0s", "must be positive"), ("-3d", "is no duration")])
def test_a_bad_duration_is_refused(refuse, tea, text, said):
    line = refuse("target", "edit", tea, f"--every={text}")
    assert said in line
    assert "--every" in line


@pytest.mark.parametrize("date", ["yesterday", "2019-13", "2019-05-32", "19-05-01"])
def test_a_bad_date_is_refused(refuse, data, date):
    assert "is no date: write 2019" in refuse("market", "add", "valhalla", "--opened", date)
    assert not data.exists()


def test_a_paused_target_is_not_looked_at(refuse, run, tea):
    assert run("target", "pause", tea)[0] == 0
    assert "teahouse is paused: torwatch target resume teahouse" in refuse("snapshot", "now", tea)


def test_an_unknown_snapshot_is_refused(refuse, tea):
    for command in (("show", "7"), ("diff", "7", "8")):
        assert "there is no snapshot 7: see `torwatch snapshot list`" in refuse("snapshot", *command)
    assert "'seven' is not a valid integer" in refuse("snapshot", "show", "seven")


def test_snapshots_of_two_markets_cannot_be_compared(refuse, run, data, tea):
    run("add", COFFEE, "--market", "coffeehouse", "--parser", "bazaar")
    with contextlib.closing(sqlite3.connect(data / "torwatch.db")) as connection:
        connection.execute(
            "INSERT INTO snapshot (market_id, target_id, state, started_at, parser, parser_digest, torwatch_version)"
            " SELECT market_id, id, 'complete', '2026-01-05T00:00:00+00:00', parser, '', 'test' FROM target"
        )
        connection.commit()
    assert "compare two of one market" in refuse("snapshot", "diff", "1", "2")


def test_the_only_address_of_a_target_stays(refuse, run, tea):
    assert "is the only address of teahouse" in refuse("target", "edit", tea, "--remove-mirror", TEA)
    assert TEA in run("target", "show", tea)[1]


def test_several_changes_of_which_one_is_bad_change_nothing(refuse, run, tea):
    refuse("target", "edit", tea, "--every", "3d", "--add-mirror", other_checksum(COFFEE))
    refuse("target", "edit", tea, "--every", "3d", "--parser", "nothing")
    refuse("target", "edit", tea, "--every", "3d", "--add-mirror", TEA)
    refuse("target", "edit", tea, "--every", "3d", "--add-mirror", COFFEE, "--remove-mirror", COFFEE, "--remove-mirror", TEA)
    refuse("target", "edit", tea, "--every", "3d", "--add-mirror", COFFEE, "--remove-mirror", "c" * 56 + ".onion")
    assert '"every_seconds": 604800' in run("target", "show", tea, "--json")[1]


@pytest.mark.parametrize("words", [("add",), ("add", TEA), ("target", "lst"), ("nothing",), ("target", "list", "--no-such")])
def test_wrong_usage_is_one_line_that_names_the_help(refuse, words):
    assert "--help`" in refuse(*words)


def test_a_missing_tor_is_one_line_that_says_what_to_install(data, run, tea, tmp_path):
    done = in_a_process("snapshot", "now", tea, PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "no tor program 'tor' found: install tor" in the_line(done.stderr)
    assert "No snapshot yet" in run("snapshot", "list")[1]


def attach(tmp_path, control):
    path = tmp_path / "attach.toml"
    path.write_text(f"data_directory = 'data'\n[tor]\nmode = 'attach'\ncontrol = '{control}'\n", encoding="utf-8")
    return path


def test_a_control_port_that_refuses_is_one_line(refuse, tmp_path, tea):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        config = attach(tmp_path, f"127.0.0.1:{taken.getsockname()[1]}")
        for command in (("target", "probe", tea), ("snapshot", "now", tea), ("run",)):
            assert "nothing listens at" in refuse("--config", config, *command, code=1)


def test_a_control_socket_that_is_not_there_is_one_line(refuse, tmp_path, tea):
    assert "does not exist" in refuse("--config", attach(tmp_path, tmp_path / "control"), "snapshot", "now", tea, code=1)


def test_a_control_socket_that_is_something_else_is_one_line(refuse, tmp_path, tea):
    (tmp_path / "control").write_text("no socket", encoding="utf-8")
    assert str(tmp_path / "control") in refuse("--config", attach(tmp_path, tmp_path / "control"), "snapshot", "now", tea, code=1)


def test_a_missing_datasette_is_one_line_that_says_what_to_install(refuse, tea, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "pip install 'torwatch[datasette]'" in refuse("serve")


def without_root_rights():
    """The words before a command that take root's right to write anywhere; nothing for other users."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("root may write anywhere, and there is no setpriv to change that")
    rights = "-dac_override,-dac_read_search"
    return ("setpriv", "--bounding-set", rights, "--inh-caps", rights)


@contextlib.contextmanager
def read_only(folder: Path):
    folder.chmod(0o500)
    try:
        yield
    finally:
        folder.chmod(0o700)


def test_a_folder_that_may_not_be_written_is_one_line(data):
    data.mkdir()
    with read_only(data):
        done = in_a_process("add", TEA, "--market", "teahouse", "--parser", "souk", before=without_root_rights())
    assert done.returncode == 1
    assert str(data) in the_line(done.stderr)
    assert list(data.iterdir()) == []


def test_a_database_that_may_not_be_written_is_one_line_and_whole(data, run, tea):
    database_file = data / "torwatch.db"
    with read_only(data):
        database_file.chmod(0o400)
        done = in_a_process("target", "pause", tea, before=without_root_rights())
        database_file.chmod(0o600)
    assert done.returncode == 1
    assert "torwatch.db cannot be" in the_line(done.stderr)
    assert '"state": "active"' in run("target", "show", tea, "--json")[1]


def test_a_configuration_that_may_not_be_read_is_one_line(data, tmp_path):
    path = tmp_path / "secret.toml"
    path.write_text("", encoding="utf-8")
    path.chmod(0)
    done = in_a_process("--config", path, "target", "list", before=without_root_rights())
    assert done.returncode == 2
    assert "is not readable" in the_line(done.stderr)


FULL_DISK = """
set -e
mount -t tmpfs -o size={size} tmpfs "$STATE_DIRECTORY"
cp -a "$SEED"/. "$STATE_DIRECTORY"/
cat /dev/zero > "$STATE_DIRECTORY"/filler 2>&- || true
truncate -s -80K "$STATE_DIRECTORY"/filler
"$PYTHON" -m torwatch {command} && exit 99 || code=$?
rm "$STATE_DIRECTORY"/filler
"$PYTHON" -m torwatch target list
exit $code
"""


def test_a_full_disk_is_one_line_and_loses_nothing(data, tea, tmp_path):
    seed = tmp_path / "seed"
    data.rename(seed)
    data.mkdir()
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk (unshare -rm)")
    command = f"market add valhalla --source {'x' * 100_000}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", FULL_DISK.format(size="1m", command=command)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SEED": str(seed), "PYTHON": sys.executable, "COLUMNS": "100"},
    )
    assert done.returncode == 1, done.stderr
    assert "is full: free some space; nothing that was committed is lost" in the_line(done.stderr)
    assert "teahouse" in done.stdout
