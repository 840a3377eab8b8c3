"""What looks for planted secrets finds them in every kind of file, and a session of pytest that left one behind fails."""

from __future__ import annotations

import gzip
import os
import sqlite3
import subprocess
import sys
import zipfile

import planted

FORM = b"made-up-for-this-test"  # not one of those that the session is searched for


def test_a_secret_is_found_in_every_kind_of_file_but_not_where_it_belongs(tmp_path):
    text = FORM.decode()
    connection = sqlite3.connect(tmp_path / "torwatch.db")
    connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE failure (reason)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("INSERT INTO failure VALUES (?)", (text,))
    connection.commit()
    (tmp_path / "archive").mkdir()
    records = gzip.compress(b"a page") + gzip.compress(FORM)
    (tmp_path / "archive" / "1.warc.gz").write_bytes(records + gzip.compress(b"cut off")[:-9])
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("1.warc.gz", records)
    (tmp_path / "torwatch.log").write_text(f"password={text}\n")
    for name in ("sessions", "client_keys"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.json").write_bytes(FORM)
    (tmp_path / "destinations").write_bytes(FORM)
    (tmp_path / "harmless").write_text("tea")
    found = {str(path.relative_to(tmp_path)) for path in planted.found_in(tmp_path, (FORM,))}
    connection.close()
    assert found == {"torwatch.db-wal", "archive/1.warc.gz", "bundle.zip", "torwatch.log"}


def test_a_client_key_is_found_in_every_form_of_it():
    key = planted.CLIENT_KEY_BYTES
    assert all(map(planted.tells, (planted.CLIENT_KEY, planted.CLIENT_KEY.lower(), key.hex(), planted.FORMS[-1].decode())))
    assert not planted.tells("TWPLANTED, and seven more")


LEAKS = """
import tempfile
from pathlib import Path
import planted

def test_that_leaves_a_database(tmp_path):
    (tmp_path / "torwatch.db").write_text(planted.COOKIE)

def test_that_leaves_one_where_it_goes_at_once():
    with tempfile.TemporaryDirectory(prefix="gone-") as folder:
        Path(folder, "tor.log").write_text(planted.SOCKS_PASSWORD)

def test_that_says_one():
    print(planted.OWN_NAME)

def test_that_keeps_one_where_it_belongs(tmp_path):
    (tmp_path / "cookies.txt").write_text(planted.COOKIE)
"""


def test_a_session_that_leaves_a_secret_behind_fails_and_says_where(tmp_path, checkout):
    (tmp_path / "test_leaks.py").write_text(LEAKS)
    (tmp_path / "conftest.py").write_text("import planted\ndef pytest_configure(config): config.pluginmanager.register(planted)\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, "-c", os.devnull]
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    # its own temporary folder is searched by this session too, and must be gone by then
    done = subprocess.run(
        [*command, "--basetemp", tmp_path / "base", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env=environ | {"PYTHONPATH": str(checkout / "tests")},
    )
    for name in ("test_that_leaves_a_database0", "test_that_keeps_one_where_it_b0"):
        for file in (tmp_path / "base" / name).iterdir():
            file.unlink()
    assert done.returncode == 1
    last = done.stdout.splitlines()
    told = next(line for line in last if line.startswith("planted secrets"))
    assert "/test_that_leaves_a_database0/torwatch.db" in told
    assert "gone-" in told
    assert "cookies.txt" not in told
    assert any("a planted secret (tests/planted.py) is in: Captured stdout call" in line for line in last)
    assert "4 passed, 2 errors" in last[-1]
