"""What a simulated market answers to one request: the engine's page, or what a fault makes of it, as status, headers and bytes."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from torwatch.demo.market import gates
from torwatch.demo.market.faults import OFF_ONION, Fault, FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torwatch.demo.market.engine import Engine, MarketView, Visit

Met = dict[FaultKind, Fault]

GATES: dict[FaultKind, tuple[str, int]] = {
    FaultKind.QUEUE: (gates.QUEUE, 200),
    FaultKind.CAPTCHA: (gates.CAPTCHA, 200),
    FaultKind.LOGIN: (gates.LOGIN, 200),
    FaultKind.MAINTENANCE: (gates.MAINTENANCE, 503),
    FaultKind.SEIZED: (gates.SEIZED, 200),
    FaultKind.BANNED: (gates.BANNED, 403),
    FaultKind.PHISHING_CHECK: (gates.PHISHING_CHECK, 200),
}
STATUSES = {
    FaultKind.NOT_FOUND: 404,
    FaultKind.SERVER_ERROR: 500,
    FaultKind.TOO_MANY: 429,
    FaultKind.UNAVAILABLE: 503,
}
HTML = "text/html; charset=utf-8"
FILLERS = 16
FILLER_LETTERS = 20_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
LINKS_OFF = (
    f'<a href="{OFF_ONION}listing/1">more</a><a href="//elsewhere.invalid/listing/2">more</a><a href="http://192.0.2.1/listing/3">more</a>'
    f'<a href="http://[2001:db8::1]/listing/4">more</a><iframe src="{OFF_ONION}"></iframe><img src="{OFF_ONION}1.gif">'
    f'<script src="{OFF_ONION}1.js"></script><link rel="prefetch" href="{OFF_ONION}"><object data="{OFF_ONION}"></object>'
)
BODIES = {
    FaultKind.REFRESH_OFF: f'<html><head><meta http-equiv="Refresh" content="0; URL={OFF_ONION}"></head></html>'.encode(),
    FaultKind.EMPTY: b"",
    FaultKind.IMAGE: PNG,
}


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer before it travels."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", HTML),)

    def head(self, *, keep_alive: bool) -> bytes:
        """Status line and header block."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(self.body)}", f"Connection: {'keep-alive' if keep_alive else 'close'}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer(engine: Engine, view: MarketView, target: str, visit: Visit, met: Mapping[FaultKind, Fault], *, page_bytes: int = 0) -> Response:
    """The answer to one request for `target`, padded to `page_bytes`; `met` are the faults that strike it."""
    instead = replaced(engine, target, visit, met)
    if instead is not None:
        return instead
    page = engine.render(view, target, visit)
    body = page.body
    for kind, changes in ((FaultKind.REDESIGN, engine.redesign), (FaultKind.RELABEL, engine.relabel)):
        if kind in met:
            for before, after in changes:
                body = body.replace(before, after)
    content_type = HTML
    if FaultKind.WRONG_CHARSET in met:
        content_type = "text/html; charset=ISO-8859-1"
        body = body.replace("charset=utf-8", "charset=ISO-8859-1").replace('charset="utf-8"', 'charset="ISO-8859-1"')
    return swollen(pad(body, page_bytes, visit.serial), page.status, content_type, met)


def replaced(engine: Engine, target: str, visit: Visit, met: Mapping[FaultKind, Fault]) -> Response | None:
    """The answer of a fault that puts another one in the page's place; None when there is no such fault."""
    for kind, fault in met.items():
        if kind in GATES:
            template, status = GATES[kind]
            return Response(status, gates.gate_page(template, name=engine.name, nonce=visit.nonce, serial=visit.serial).encode())
        if kind in STATUSES:
            return refusal(STATUSES[kind], fault)
        if kind in {FaultKind.REDIRECT_OFF, FaultKind.REDIRECT_LOOP}:
            return Response(302, b"", (("Content-Type", HTML), ("Location", OFF_ONION if kind is FaultKind.REDIRECT_OFF else target)))
        if kind in BODIES:
            return Response(200, BODIES[kind])
    return None


def refusal(status: int, fault: Fault) -> Response:
    """A bare page of an error status; 429 and 503 say when to come back."""
    retry = (("Retry-After", str(int(fault.seconds))),) if status in {429, 503} else ()
    page = f"<html><body><h1>{status} {HTTPStatus(status).phrase}</h1></body></html>"
    return Response(status, page.encode(), (("Content-Type", HTML), *retry))


def swollen(body: str, status: int, content_type: str, met: Mapping[FaultKind, Fault]) -> Response:
    """The page as an answer, with what a fault adds to it: far too much of something, or what lures to other hosts."""
    headers: tuple[tuple[str, str], ...] = (("Content-Type", content_type),)
    if FaultKind.HUGE in met:
        body = before_end(body, "<p>" + "more and more " * (met[FaultKind.HUGE].size_bytes // 14) + "</p>")
    if FaultKind.DEEP in met:
        body = before_end(body, "<div>" * met[FaultKind.DEEP].size_bytes)
    if FaultKind.ATTRIBUTES in met:
        body = before_end(body, "<p " + " ".join(f"a{number}=1" for number in range(met[FaultKind.ATTRIBUTES].size_bytes)) + "></p>")
    if FaultKind.LINKS_OFF in met:
        body = before_end(body.replace("<head>", f'<head><base href="{OFF_ONION}">'), LINKS_OFF)
    data = body.encode()
    if FaultKind.BOMB in met:
        data = gzip.compress(data + b" " * met[FaultKind.BOMB].size_bytes, 6)
        headers += (("Content-Encoding", "gzip"),)
    if FaultKind.HEADER_FLOOD in met:
        headers += tuple((f"X-Flood-{number}", "drop") for number in range(met[FaultKind.HEADER_FLOOD].size_bytes))
    return Response(status, data, headers)


def pad(body: str, page_bytes: int, serial: int) -> str:
    """Lengthen a page to `page_bytes` with a comment that compresses no better than prose does; a longer page stays as it is."""
    missing = page_bytes - len(body.encode()) - len("<!---->") if page_bytes else 0
    if missing <= 0:
        return body
    text = filler(serial % FILLERS) * (missing // FILLER_LETTERS + 1)
    return before_end(body, f"<!--{text[:missing]}-->")


@lru_cache(maxsize=FILLERS)
def filler(number: int) -> str:
    """One of a few long runs of letters."""
    return "".join(random.Random(number).choices("etaoin shrdlu cmfwyp vbgkqj xz", k=FILLER_LETTERS))


def before_end(body: str, more: str) -> str:
    """Put markup right before the end of the body."""
    head, end, tail = body.rpartition("</body>")
    return f"{head}{more}{end}{tail}"
