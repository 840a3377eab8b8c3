"""Secrets that the tests lend to torwatch, and the search for them in all that a run of the tests has written or said.

A plugin of pytest, registered by conftest.py. Every secret begins with one mark, which stands nowhere else: one search finds them all. When the
session ends (under pytest-xdist: that of each worker) every file below the tests' temporary folder is searched: databases with their WAL, logs,
archives, exports, bundles; folders of the module tempfile are searched before they go; and what a test prints or logs is searched when it ends.
Only where a secret belongs may it lie.
"""

from __future__ import annotations

import base64
import gzip
import io
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest

MARK = "TWPLANTED7"
COOKIE = f"{MARK}cookie5c1f"
OTHER_COOKIE = f"{MARK}cookie6d2e"
COOKIE_TO_ESCAPE = f"{MARK}cookie+7e/3d=="  # looks another way in an address
OWN_NAME = f"{MARK}operator77aa"
ALERT_PASSWORD = f"{MARK}alert90de"
CONTROL_PASSWORD = f"{MARK}control13bc"
SOCKS_PASSWORD = f"{MARK}socks44ff"
ADDRESS_PASSWORD = f"{MARK}address21ab"
CLIENT_KEY = f"{MARK}CLIENTKEY".ljust(51, "Q") + "A"  # base32, as in tor's files
CLIENT_KEY_BYTES = base64.b32decode(CLIENT_KEY + "====")
CLIENT_KEY_PUBLIC = bytes.fromhex("8b363ea8e5f79a18ddc538a666f61f456a85127b3d91e9c601ca2e8bd0f20745")

FORMS = (
    *(MARK.encode(), MARK.lower().encode()),
    *(CLIENT_KEY_BYTES, CLIENT_KEY_BYTES.hex().encode(), base64.b64encode(CLIENT_KEY_BYTES).rstrip(b"=")),
)
# Files and folders that a secret was given in or is kept in; all but these of a test's own making are for the service user only.
KEPT_AT = frozenset(
    {"sessions", "client_keys", "cookies.txt", "client.key", "destinations", "torwatch.cookies", "torwatch.alerts", "control_password"}
)


def unpack(body):
    """What a file says: itself, and what is packed in it, as far as it can be read."""
    yield body
    if body.startswith(b"\x1f\x8b"):
        parts = []
        try:
            with gzip.open(io.BytesIO(body)) as stream:
                while part := stream.read1(1 << 16):
                    parts.append(part)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            pass  # cut off by a kill: what came before was read
        yield b"".join(parts)
    elif body.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as bundle:
                for member in bundle.namelist():
                    yield from unpack(bundle.read(member))
        except (zipfile.BadZipFile, NotImplementedError, zlib.error):
            pass  # made to be refused


def tells(text):
    """Whether a text, of a log or a screen, holds one of them."""
    body = text.encode("utf-8", "surrogatepass")
    return any(form in body for form in FORMS)


def found_in(folder, forms=FORMS, kept_at=KEPT_AT):
    """The files below a folder, as paths, that hold one of the forms where it does not belong."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in kept_at]
        for path in (Path(place, name) for name in files if name not in kept_at):
            if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                body = path.read_bytes()
                if any(form in part for part in unpack(body) for form in forms):
                    found.append(path)
    return found


@pytest.fixture(scope="session", autouse=True)
def secrets_lie_only_where_they_belong(tmp_path_factory):
    """Fail the session when one of the planted secrets is in a file where it does not belong."""
    found = []
    remove = tempfile.TemporaryDirectory.cleanup

    def look_and_remove(folder):
        found.extend(found_in(folder.name))
        remove(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile.TemporaryDirectory, "cleanup", look_and_remove)
        yield
    found += found_in(tmp_path_factory.getbasetemp())
    if found:
        pytest.fail("planted secrets (tests/planted.py) were found in: " + ", ".join(map(str, found)), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail a test that prints or logs one of them."""
    report = yield
    told = [name for name, text in report.sections if tells(text)]
    if told and call.when == "teardown" and report.passed:
        report.outcome, report.longrepr = "failed", f"a planted secret (tests/planted.py) is in: {', '.join(told)}"
    return report
