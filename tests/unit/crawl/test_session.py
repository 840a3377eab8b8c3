"""A lent session: exports of browsers are read, its file is for the service user only, its values are redacted."""

from __future__ import annotations

import json
import stat

import pytest
from planted import COOKIE

from torwatch.archive.strip import redact
from torwatch.crawl.session import BrowserSession, Cookie, drop_session, load_session, parse_cookies, save_session, session_path
from torwatch.errors import UsageError

ONION = "a" * 55 + "d.onion"
HOSTS = frozenset({ONION})
NETSCAPE = (
    f"# Netscape HTTP Cookie File\n\n#HttpOnly_{ONION}\tFALSE\t/\tFALSE\t0\tsid\t{COOKIE}\n.example.com\tTRUE\t/\tFALSE\t0\tother\tx\n"
)
JSON = json.dumps([{"domain": ONION, "name": "sid", "value": COOKIE, "path": "/", "httpOnly": True}])


@pytest.mark.parametrize("text", [NETSCAPE, JSON, json.dumps({"cookies": json.loads(JSON)})])
def test_exports_of_browsers_are_read_and_only_this_targets_cookies_kept(text):
    assert parse_cookies(text, HOSTS) == (Cookie("sid", COOKIE, "/"),)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "[1]", '{"cookies": 3}', "{", f"{ONION}\tFALSE\t/\tFALSE\t0\tsid\ta;b\n", ".example.com\tTRUE\t/\tFALSE\t0\tother\tx\n"],
)
def test_what_is_no_export_of_this_target_is_refused_in_one_line_without_its_values(text):
    with pytest.raises(UsageError) as refused:
        parse_cookies(text, HOSTS)
    assert "\n" not in str(refused.value)


def test_a_cookies_value_is_in_no_repr():
    assert COOKIE not in repr(BrowserSession(parse_cookies(NETSCAPE, HOSTS), ("myname",)))
    assert "myname" not in repr(BrowserSession((), ("myname",)))


def test_the_file_is_for_the_service_user_only_and_is_refused_when_it_is_not(tmp_path):
    directory = tmp_path / "sessions"
    session = BrowserSession(parse_cookies(NETSCAPE, HOSTS), ("myname",))
    save_session(directory, 3, session)
    path = session_path(directory, 3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert load_session(directory, 3) == session
    path.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        load_session(directory, 3)
    drop_session(directory, 3)
    assert load_session(directory, 3) is None


def test_what_names_the_operator_and_the_cookies_values_are_taken_out():
    session = BrowserSession((Cookie("sid", COOKIE),), (r"myname\d", "Balance: [0-9.]+"))
    page = f"Hello myname7, Balance: 0.25 token={COOKIE} Sencha 12.50".encode()
    assert redact(page, session.patterns()) == b"Hello [redacted], [redacted] token=[redacted] Sencha 12.50"
