"""Oblivion: a request to forget carried out from its beginning to its end, whatever was cut off before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.closing import derive, end_unfinished, finish_closings
from torwatch.crawl.session import drop_session
from torwatch.loading import derive_file
from torwatch.parsing.registry import load_parser
from torwatch.removal.account import forget_vendor
from torwatch.removal.market import forget_target
from torwatch.removal.records import removing
from torwatch.store.forgetting import imported_files
from torwatch.store.judgement import HoldRule
from torwatch.store.snapshots import ended_snapshots, parser_of, unfinished_snapshots
from torwatch.tor.client_keys import drop_client_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from torwatch.equipment import Tools
    from torwatch.forget_request import ForgetRequest
    from torwatch.removal.traces import Forgotten
    from torwatch.replay.pages import Readers
    from torwatch.replay.versions import Versions

CUT_SHORT = "ended for a request to forget"


def carry_out(
    tools: Tools,
    request: ForgetRequest,
    readers: Readers,
    versions: Versions,
    *,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Forgotten:
    """Forget what is requested. The writer lock must be held. What a fault or kill cuts off is done when this is called again.

    Raises UsageError while another command takes pages out; ArchiveError or StoreError where something cannot be written.
    """
    store, archive, now = tools.store, tools.archive_directory, tools.now()
    with removing(store, archive, now):
        end_snapshots(tools, request.market_id, versions)
        if request.person is None:
            drop_secrets(tools, request)
            return forget_target(store, archive, request, now=now, progress=progress)
        done = forget_vendor(store, archive, request, readers=readers, versions=versions, now=now, progress=progress)
        derive_anew(tools, request, versions)
        return done


def drop_secrets(tools: Tools, request: ForgetRequest) -> None:
    """Delete the cookies and the client keys that were kept for a target."""
    for target_id in dict(request.ids)["target"]:
        drop_session(tools.sessions_directory, target_id)
    for host in request.hosts:
        drop_client_key(tools.client_keys_directory, host)


def derive_anew(tools: Tools, request: ForgetRequest, versions: Versions) -> None:
    """Normalise what the market's others said, where a name was taken out of it."""
    imports = imported_files(tools.store.connection, request.market)
    if imports:
        derive_file(tools.store, tools.archive_directory, imports[-1][1] | {"market": request.market}, request.market_id)
    crawled = ended_snapshots(tools.store, request.market_id)
    if crawled:
        _, market = versions.of(*parser_of(tools.store, crawled[-1].id))
        derive(tools, request.market_id, market)


def end_snapshots(tools: Tools, market_id: int, versions: Versions) -> None:
    """End and seal every snapshot of a market, so that there is nothing of it but what is in the chain."""
    finish_closings(tools, lambda parser: load_parser(parser, versions.directories).market)
    for snapshot in unfinished_snapshots(tools.store, market_id):
        version, market = versions.of(*parser_of(tools.store, snapshot.id))
        end_unfinished(tools, snapshot, market, version.rules, HoldRule(), why=CUT_SHORT)
