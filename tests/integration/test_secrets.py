"""Secrets that were planted everywhere are found nowhere but where they belong: not in a log, the database, the archive or a report."""

from __future__ import annotations

import gzip
import io
import logging
from dataclasses import replace

import structlog
from click.testing import CliRunner

from torwatch.alerting import notice, tell
from torwatch.cli import torwatch
from torwatch.crawl.session import BrowserSession, Cookie, save_session
from torwatch.demo.market import Fault, FaultKind
from torwatch.logs import set_up_logs
from torwatch.overview import gather_status
from torwatch.store.sessions import begin_session

PLANTED = {
    "cookie": "planted-cookie-5c1f",
    "own name": "planted-operator-77aa",
    "alert password": "planted-alert-90de",
    "control password": "planted-control-13bc",
    "SOCKS password": "planted-socks-44ff",
}


def test_planted_secrets_are_found_nowhere(watched, monkeypatch):
    watch = watched("souk", listings=12, concurrency=2, page_attempts=1)
    data = watch.config.data_directory
    save_session(
        watch.config.sessions_directory, watch.target.id, BrowserSession((Cookie("sid", PLANTED["cookie"]),), (PLANTED["own name"],))
    )
    begin_session(watch.store, watch.target, 1, now=watch.clock())
    destinations = data.parent / "destinations"
    destinations.write_text(f"json://user:{PLANTED['alert password']}@127.0.0.1:1/\n")
    destinations.chmod(0o600)
    alerts = watch.config.alerts.model_copy(update={"destinations": destinations, "disk_below": 2**62})
    watch.config = watch.config.model_copy(update={"alerts": alerts})

    plain = watch.server.engine.render
    echo = f"<p>{PLANTED['cookie']} {PLANTED['own name']}</p></body>"

    def render(*arguments):
        page = plain(*arguments)
        return replace(page, body=page.body.replace("</body>", echo))

    watch.server.engine.render = render
    real = watch.tools.tor
    plant = PLANTED["SOCKS password"]
    tor = type("Secretive", (type(real),), {"credentials": lambda _, name: (name, plant)})(real.socks_address)
    watch.tools = replace(watch.tools, tor=tor)
    log = io.StringIO()
    set_up_logs("debug", "json", log)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        watch.server.faults.add(Fault(FaultKind.RESET, probability=0.2))
        watch.look()
        watch.server.faults.add(Fault(FaultKind.LOGIN))
        watch.look()
        structlog.get_logger().error("tor_refused", control_password=PLANTED["control password"], headers={"Cookie": PLANTED["cookie"]})
        notice(
            watch.store,
            watch.config,
            gather_status(watch.store, watch.config.data_directory, jitter=0, now=watch.clock(), hours=None),
            now=watch.clock(),
            environ={},
        )
        tell(watch.tools, watch.config, {"PATH": "/usr/bin"})
    finally:
        structlog.reset_defaults()
        logging.getLogger().setLevel(logging.WARNING)
    monkeypatch.setenv("STATE_DIRECTORY", str(data))
    monkeypatch.delenv("TORWATCH_CONFIG", raising=False)
    screens = [
        CliRunner().invoke(torwatch, words).output for words in (["status"], ["alert", "list", "--json"], ["session", "list"], ["answer"])
    ]
    watch.store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    kept = {path: path.read_bytes() for path in data.rglob("*") if path.is_file() and path.parent.name != "sessions"}
    read = {str(path): gzip.decompress(body) if path.suffix == ".gz" else body for path, body in kept.items()}
    assert len(log.getvalue()) > 100
    assert any(path.endswith(".warc.gz") for path in read)
    read |= {"log": log.getvalue().encode(), "screens": "".join(screens).encode()}
    found = [(what, where) for what, secret in PLANTED.items() for where, body in read.items() if secret.encode() in body]
    assert found == []
