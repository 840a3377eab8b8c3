"""Errands: what a command asks the running daemon to do, or does itself where none runs, with the same code."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from torwatch.alerting import send_test
from torwatch.assembly import walk_settings
from torwatch.errors import UsageError
from torwatch.model import Outcome
from torwatch.parsing.proposal import propose_parser
from torwatch.parsing.registry import load_parser
from torwatch.store.mirrors import record_visit, visits_of
from torwatch.store.targets import Mirror, Target, find_target, stamp
from torwatch.store.witnesses import is_silence
from torwatch.walk.canaries import Asked, ask_canaries, count_asked, fetch_once
from torwatch.walk.stranger import find_stranger

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from torwatch.config import Config
    from torwatch.equipment import Tools
    from torwatch.model import Fetched
    from torwatch.store.database import Store

Arguments = dict[str, Any]
Answer = dict[str, Any]  # JSON; "error": the one line of a fault


def probe_mirror(tools: Tools, config: Config, target: Target, mirror: Mirror) -> Asked:
    """Fetch the front page of a mirror, to see whether and why it answers."""
    return fetch_once(tools, walk_settings(config), mirror.address, f"probe-{target.id}-{mirror.id}")


def stranger_at(tools: Tools, config: Config, target: Target, fetched: Fetched) -> str:
    """Whose front page it is, where it is another market's."""
    parser = load_parser(target.parser, config.parsing.directories)
    return find_stranger(tools.workers, parser, target.market, fetched.body, fetched.header("content-type"))


def probe(tools: Tools, config: Config, arguments: Arguments) -> Answer:
    """Probe every mirror of `target`, and keep what each met in its history."""
    target = find_target(tools.store, arguments["target"])
    return {"mirrors": [probe_line(tools, config, target, mirror) for mirror in target.mirrors]}


def probe_line(tools: Tools, config: Config, target: Target, mirror: Mirror) -> Answer:
    """Probe one mirror; before a silence is called the market's, the canaries are asked."""
    asked = probe_mirror(tools, config, target, mirror)
    fetched = asked.fetched
    if fetched.outcome is Outcome.OK and (whose := stranger_at(tools, config, target, fetched)):
        fetched = replace(fetched, outcome=Outcome.WRONG_MARKET, reason=whose)
    if is_silence(fetched):
        ask_canaries(tools, walk_settings(config))
    with tools.store.write() as connection:
        count_asked(connection, asked)
        verdict = record_visit(
            connection,
            mirror.id,
            fetched.outcome,
            fetched.reason,
            source="probe",
            now=tools.now(),
            elapsed_ms=fetched.elapsed_ms,
        )
    return {
        "mirror": mirror.host,
        "outcome": fetched.outcome.value,
        "reason": fetched.reason,
        "status": fetched.status,
        "elapsed_ms": fetched.elapsed_ms,
        "bytes": len(fetched.body),
        "verdict": verdict,
        "history": [asdict(visit) for visit in visits_of(tools.store, mirror.id)],
    }


def propose(tools: Tools, config: Config, arguments: Arguments) -> Answer:
    """Fetch the front page at `address` and propose the parser that fits it."""
    fetched = fetch_once(tools, walk_settings(config), arguments["address"], f"propose-{arguments['address']}").fetched
    if not fetched.body:
        return {"name": None, "outcome": fetched.outcome.value, "why": fetched.reason or fetched.outcome.value, "sure": False, "others": []}
    found = propose_parser(fetched.body, content_type=fetched.header("content-type"), directories=config.parsing.directories)
    return asdict(found) | {"outcome": Outcome.OK.value}


def send_alert(tools: Tools, config: Config, _: Arguments) -> Answer:
    """Send a test message to everybody who is told of alerts. Raises UsageError when that is nobody."""
    answers = send_test(tools, config)
    if not answers:
        raise UsageError("nobody is to be told: name a file of addresses in alerts.destinations (docs/operations.md)")
    return {"destinations": answers}


ERRANDS: dict[str, Callable[[Tools, Config, Arguments], Answer]] = {"probe": probe, "propose": propose, "alert": send_alert}


def queue_request(store: Store, kind: str, arguments: Arguments, *, now: dt.datetime) -> int:
    """Ask the running daemon to do something; gives the id of the request."""
    with store.write() as connection:
        cursor = connection.execute("INSERT INTO request (at, kind, arguments) VALUES (?, ?, ?)", (stamp(now), kind, json.dumps(arguments)))
    return int(cursor.lastrowid or 0)


def finish_request(store: Store, request_id: int, answer: Answer) -> None:
    """Write the answer to a request."""
    with store.write() as connection:
        connection.execute(
            "UPDATE request SET state = ?, result = ? WHERE id = ?",
            ("failed" if "error" in answer else "done", json.dumps(answer), request_id),
        )
