"""Lending: the cookies that systemd hands over become sessions of their targets, once for each time they are given anew."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from torwatch.crawl.session import BrowserSession, load_session, read_export
from torwatch.credentials import write_secret
from torwatch.store.sessions import begin_session, is_lent
from torwatch.store.targets import list_targets

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from torwatch.store.database import Store
    from torwatch.store.targets import Target

log = structlog.get_logger()


def find_session(store: Store, directory: Path, credential: Path | None, target: Target) -> BrowserSession:
    """What a walk of the target sends and takes out of pages: the cookies kept for it, else those of the credential while they are lent.

    Cookies of the credential that the database knows of no session of are not sent: they were dropped, or nobody would learn of their loss.
    """
    kept = load_session(directory, target.id) or BrowserSession()
    if kept.cookies or not is_lent(store, target.id):
        return kept
    handed_over = read_export(credential, frozenset(mirror.host for mirror in target.mirrors))
    return kept if handed_over is None else replace(kept, cookies=handed_over.cookies)


def take_over_sessions(store: Store, directory: Path, credential: Path | None, *, now: dt.datetime) -> int:
    """Begin a session of every target that the credential has new cookies for; gives how many.

    The cookies stay where systemd put them. Only their digest is kept, so that a restart with the same cookies does not take a session that
    the market ended for a new one. Raises UsageError when the file is no export of a browser.
    """
    begun = 0
    for target in list_targets(store) if credential is not None else ():
        session = read_export(credential, frozenset(mirror.host for mirror in target.mirrors))
        if session is None:
            continue
        digest = hashlib.sha256("\n".join(f"{one.name}={one.value}" for one in session.cookies).encode()).hexdigest()
        known = directory / f"{target.id}.taken"
        if not known.exists() or known.read_text(encoding="utf-8") != digest:
            write_secret(known, digest)
            begin_session(store, target, len(session.cookies), now=now)
            log.info("session_taken_over", market=target.market, cookies=len(session.cookies))
            begun += 1
    return begun
