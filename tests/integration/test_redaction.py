"""What a market says about the operator, in whatever place of its answers, is in nothing that is kept: archive, index, database, logs, exports, bundles."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import http.server
import io
import logging
import zipfile
from urllib.parse import quote

import pytest
import structlog
from click.testing import CliRunner
from planted import COOKIE_TO_ESCAPE as COOKIE

from torwatch.archive.index import read_index
from torwatch.archive.reader import read_page
from torwatch.archive.strip import REDACTED
from torwatch.cli import torwatch
from torwatch.crawl.session import BrowserSession, Cookie, save_session
from torwatch.logs import set_up_logs
from torwatch.store.sessions import begin_session

NAME, TOKEN, BALANCE, DEPOSIT = "Opérateur 77", "tok-3f9a1c", "0.0451 XMR", "8BplantedDepositAddress"
PATTERNS = ("Op.{1,8}rateur 77", r"tok-[0-9a-f]+", r"0\.0451 XMR", DEPOSIT)
FORMS = (
    NAME.encode(),
    NAME.encode("cp1252"),
    quote(NAME).encode(),
    *(text.encode() for text in (TOKEN, BALANCE, DEPOSIT, COOKIE, quote(COOKIE, safe=""))),
)


class Front(http.server.BaseHTTPRequestHandler):
    """A market that gives its visitor away: in redirects, links, headers of every kind and in the page, in two encodings."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/" and not query:
            return self.answer(302, [("Location", f"/?token={TOKEN}&as={quote(NAME)}&c={quote(COOKIE, safe='')}")], b"")
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.server.market_port)) as market:
            market.request("GET", self.path if "token" not in query else path)
            answer = market.getresponse()
            body = answer.read()
        said = f"<p>{NAME}: {BALANCE} at {DEPOSIT}</p><a href='/aisle/1/1?token={TOKEN}'>more</a><i>{COOKIE}</i>".encode()
        body = body.replace(b"</body>", said + NAME.encode("cp1252") + b"</body>")
        headers = [
            ("Content-Type", answer.headers["Content-Type"]),
            ("Set-Cookie", f"sid={TOKEN}; Path=/"),
            ("X-Account", quote(NAME)),
            ("X-Balance", BALANCE),
            ("Link", f"</deposit/{DEPOSIT}?token={TOKEN}>; rel=next"),
            ("ETag", f'"{COOKIE}"'),
        ]
        return self.answer(answer.status, headers, body)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.fixture
def kept(watched, serving, monkeypatch, tmp_path):
    """Everything that is kept of a snapshot of such a market, by what it is; and the watch."""
    watch = watched(listings=12, concurrency=2)
    lent = BrowserSession((Cookie("sid", COOKIE),), PATTERNS)
    save_session(watch.config.sessions_directory, watch.target.id, lent)
    begin_session(watch.store, watch.target, 1, now=watch.clock())
    log = io.StringIO()
    set_up_logs("debug", "json", log)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
        front.daemon_threads, front.market_port = True, watch.server.port
        with serving(front):
            watch.relay.market_port = front.server_port
            _, ending = watch.look()
    finally:
        structlog.reset_defaults()
        logging.getLogger().setLevel(logging.WARNING)
    assert ending.state == "complete", ending
    monkeypatch.setenv("STATE_DIRECTORY", str(watch.config.data_directory))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    found = {"log": log.getvalue().encode(), "dump": "\n".join(watch.store.connection.iterdump()).encode()}
    for name, words in {
        "export": ["export", "--format", "jsonl", "-o", str(tmp_path / "export")],
        "bundle": ["evidence", "pack", "1", "-o", str(tmp_path / "bundle.zip")],
        "shown": ["snapshot", "show", "1", "--json"],
    }.items():
        done = CliRunner().invoke(torwatch, words)
        assert done.exit_code == 0, (name, done.output)
        found[name] = done.output.encode()
    watch.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    files = [path for path in (*watch.config.data_directory.rglob("*"), *tmp_path.glob("export/**/*")) if path.is_file()]
    for path in files:
        if path.parent != watch.config.sessions_directory:
            body = path.read_bytes()
            found[path.name] = gzip.decompress(body) if path.suffix == ".gz" else body
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        for member in bundle.namelist():
            body = bundle.read(member)
            found[f"bundle: {member}"] = gzip.decompress(body) if member.endswith(".gz") else body
    return found, watch


def test_nothing_that_is_kept_tells_who_the_operator_is(kept):
    found, _ = kept
    assert {"00000001.warc.gz", "00000001.cdxj", "torwatch.db", "journal.jsonl", "log", "export", "bundle"} <= set(found)
    told = [(where, form) for where, body in found.items() for form in FORMS if form in body]
    assert told == []
    warc = found["00000001.warc.gz"]
    assert REDACTED in warc
    assert b"X-Account: [redacted]" in warc
    assert b"set-cookie" not in warc.lower()


def test_every_digest_is_that_of_what_the_archive_holds(kept):
    _, watch = kept
    folder = watch.config.archive_directory / "souk"
    entries = [entry for entry in read_index(folder / "00000001.cdxj") if entry.offset is not None]
    assert len(entries) > 10
    for entry in entries:
        page = read_page(folder / entry.filename, entry.offset)
        assert hashlib.sha256(page.body).hexdigest() == entry.digest
