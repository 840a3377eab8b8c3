"""Secrets that were planted everywhere are found nowhere but where they belong: not in a log, the database, the archive or a report."""

from __future__ import annotations

import io
import logging
from dataclasses import replace

import planted
import structlog
from click.testing import CliRunner

from torwatch.alerting import notice, tell
from torwatch.cli import torwatch
from torwatch.crawl.session import BrowserSession, Cookie, save_session
from torwatch.demo.market import Fault, FaultKind
from torwatch.logs import set_up_logs
from torwatch.overview import gather_status
from torwatch.store.sessions import begin_session


def test_planted_secrets_are_found_nowhere(watched, monkeypatch):
    watch = watched("souk", listings=12, concurrency=2, page_attempts=1)
    data = watch.config.data_directory
    save_session(watch.config.sessions_directory, watch.target.id, BrowserSession((Cookie("sid", planted.COOKIE),), (planted.OWN_NAME,)))
    begin_session(watch.store, watch.target, 1, now=watch.clock())
    destinations = data.parent / "destinations"
    destinations.write_text(f"json://user:{planted.ALERT_PASSWORD}@127.0.0.1:1/\n")
    destinations.chmod(0o600)
    alerts = watch.config.alerts.model_copy(update={"destinations": destinations, "disk_below": 2**62})
    watch.config = watch.config.model_copy(update={"alerts": alerts})

    plain = watch.server.engine.render
    echo = f"<p>{planted.COOKIE} {planted.OWN_NAME}</p></body>"

    def render(*arguments):
        page = plain(*arguments)
        return replace(page, body=page.body.replace("</body>", echo))

    watch.server.engine.render = render
    log = io.StringIO()
    set_up_logs("debug", "json", log)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        watch.server.faults.add(Fault(FaultKind.RESET, probability=0.2))
        watch.look()
        watch.server.faults.add(Fault(FaultKind.LOGIN))
        watch.look()
        structlog.get_logger().error("tor_refused", control_password=planted.CONTROL_PASSWORD, headers={"Cookie": planted.COOKIE})
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

    assert any(path.suffix == ".gz" for path in data.rglob("*"))
    assert planted.found_in(data) == []
    assert len(log.getvalue()) > 100
    assert not planted.tells(log.getvalue() + "".join(screens))
