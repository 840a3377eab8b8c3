"""One request through Tor's SOCKS port, and what it met: an Outcome with its reason, never an exception of requests.

Fail closed: every request names the SOCKS port as its proxy and lets Tor resolve the name (`socks5h`); the environment's proxies are
ignored; a redirect that leaves the onion is refused. The measured behaviour of requests and PySocks is in the design notes on Tor.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

import requests
import socks
import urllib3
from requests.cookies import extract_cookies_to_jar

from torwatch.crawl.deadline import DeadlineAdapter
from torwatch.crawl.session import place_cookie
from torwatch.model import Fetched, Outcome

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from torwatch.crawl.session import Cookie

TEXT_TYPES = ("text/html", "application/xhtml+xml", "text/plain")
CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_REDIRECTS = 5
CHUNK_BYTES = 65536
GONE_STATUSES = frozenset({404, 410})
HTTP_ERRORS_FROM = 400

Explain = Callable[[int], tuple[Outcome, str]]  # SOCKS reply code → what it means


@dataclass(frozen=True, slots=True)
class Limits:
    """What one page may cost."""

    connect_seconds: float = 90.0
    read_seconds: float = 60.0
    page_seconds: float = 180.0
    page_bytes: int = 2_000_000


@dataclass(frozen=True, slots=True)
class Route:
    """How requests of one target leave: the SOCKS port, the credentials that isolate its circuits, and the base URL of the mirror."""

    base_url: str
    socks_host: str
    socks_port: int
    user: str
    password: str = field(repr=False)

    @property
    def proxy(self) -> str:
        """The proxy URL; `socks5h` so that the name is resolved by Tor, never here."""
        return f"socks5h://{self.user}:{self.password}@{self.socks_host}:{self.socks_port}"


class Fetcher:
    """Fetches pages of one target over one isolated identity; a context manager, usable from several threads."""

    def __init__(
        self,
        route: Route,
        limits: Limits,
        *,
        headers: Mapping[str, str],
        explain: Explain,
        connections: int,
        now: Callable[[], dt.datetime],
        cookies: Sequence[Cookie] = (),
        pause: Callable[[], bool] = lambda: True,
        receive: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`pause` is asked before a redirect is followed, which is a request like any other; False: the walk is over.

        `receive` is told the size of whatever comes, decoded.
        """
        self.route = route
        self.limits = limits
        self._explain = explain
        self._now = now
        self._pause = pause
        self._receive = receive
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.headers.update(headers)
        self._session.proxies = {"http": route.proxy, "https": route.proxy}
        self._adapter = DeadlineAdapter(connections)
        self._host = urlsplit(route.base_url).hostname
        for cookie in cookies:
            self._session.cookies.set(cookie.name, cookie.value, domain=self._host or "", path=cookie.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._adapter.close()
        self._session.close()

    def take(self, route: Route) -> None:
        """Send what follows over this route; what is on its way ends on the old one, whose connections are then closed."""
        before, self.route = self.route, route
        self._session.proxies = {"http": route.proxy, "https": route.proxy}
        if before.proxy != route.proxy:
            self._adapter.proxy_manager.pop(before.proxy, None)

    def fetch(self, path: str) -> Fetched:
        """Fetch one page of the mirror (path and query), following redirects that stay on the onion, all within one deadline."""
        url, started = urljoin(self.route.base_url + "/", path), time.monotonic()
        deadline = started + self.limits.page_seconds
        for left in range(MAX_REDIRECTS, -1, -1):
            if time.monotonic() >= deadline:
                return failed(url, Outcome.TIMEOUT_TOTAL, "redirected until the time was over", self._now(), started)
            with self._adapter.cut_off_after(deadline - time.monotonic()):
                fetched = self._request(url, started, deadline)
            if fetched.redirect is None:
                return fetched
            try:
                parts = urlsplit(target := urljoin(url, fetched.redirect))
                host, scheme, _port = parts.hostname, parts.scheme, parts.port
            except ValueError:
                return failed(url, Outcome.OFF_ONION_REDIRECT, "redirect to no address refused", self._now(), started, fetched.status)
            if host != self._host or scheme not in {"http", "https"}:
                reason = f"redirect to {scheme}://{host or ''} refused"
                return failed(url, Outcome.OFF_ONION_REDIRECT, reason, self._now(), started, fetched.status)
            asked = time.monotonic()
            if left and not self._pause():
                return failed(url, Outcome.RESET, "stopped before its redirect was followed", self._now(), started, fetched.status)
            waited = time.monotonic() - asked  # none of the page's time: a market that is asked slowly would else look slow itself
            url, started, deadline = target, started + waited, deadline + waited
        return failed(url, Outcome.HTTP_ERROR, f"more than {MAX_REDIRECTS} redirects", self._now(), started, fetched.status)

    def _request(self, url: str, started: float, deadline: float) -> Fetched:
        """One request without redirects; the adapter is asked itself, since a session would already judge the Location header."""
        limits = self.limits
        if urlsplit(url).hostname != self._host:
            return failed(url, Outcome.OFF_ONION_REDIRECT, "the address leaves the onion", self._now(), started)
        left = max(0.1, deadline - time.monotonic())
        try:
            request = self._session.prepare_request(requests.Request("GET", url))
            place_cookie(request.headers)
            response = self._adapter.send(
                request,
                stream=True,
                timeout=(min(limits.connect_seconds, left), min(limits.read_seconds, left)),
                proxies=self._session.proxies,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return failed(url, *self._judge(error, deadline), self._now(), started)
        extract_cookies_to_jar(self._session.cookies, request, response.raw)  # type: ignore[no-untyped-call]  # requests ships no type for it
        try:
            return self._read(url, response, started, deadline)
        finally:
            response.close()

    def _judge(self, error: Exception, deadline: float) -> tuple[Outcome, str]:
        """What an exception means; one that comes when the time is over is the deadline's own doing."""
        if time.monotonic() >= deadline:
            return Outcome.TIMEOUT_TOTAL, f"not finished after {self.limits.page_seconds:g} s"
        return classify(error, self._explain)

    def _read(self, url: str, response: requests.Response, started: float, deadline: float) -> Fetched:
        """Read an answer within the limits of size and time."""
        headers = tuple((name, value) for name, value in response.raw.headers.items() if name.lower() != "set-cookie")
        status = response.status_code
        if status in REDIRECTS and "location" in response.headers:
            return Fetched(url, Outcome.OK, self._now(), elapsed(started), status, headers, redirect=response.headers["location"])
        if odd := judge_form(response.headers):
            return failed(url, Outcome.NOT_TEXT, odd, self._now(), started, status, headers)
        body = bytearray()
        try:
            while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
                body += chunk
                self._receive(len(chunk))
                self._adapter.acknowledge()
                if len(body) > self.limits.page_bytes:
                    return failed(
                        url, Outcome.TOO_LARGE, f"more than {self.limits.page_bytes} bytes", self._now(), started, status, headers
                    )
                if time.monotonic() > deadline:
                    break
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            outcome, reason = self._judge(error, deadline)
            return failed(url, outcome, f"{reason} after {len(body)} bytes", self._now(), started, status, headers)
        if time.monotonic() > deadline:  # the end may be that of the socket, shut by the deadline
            reason = f"not finished after {self.limits.page_seconds:g} s, {len(body)} bytes came"
            return failed(url, Outcome.TIMEOUT_TOTAL, reason, self._now(), started, status, headers)
        outcome, reason = judge_status(status)
        return Fetched(
            url,
            outcome,
            self._now(),
            elapsed(started),
            status,
            headers,
            bytes(body),
            reason,
            hashlib.sha256(body).hexdigest(),
            request_headers=tuple((name, str(value)) for name, value in response.request.headers.items() if name.lower() != "cookie"),
        )


def judge_form(headers: Mapping[str, str]) -> str:
    """Why an answer is no text that can be read, by its head; "" where it is."""
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind and kind not in TEXT_TYPES:
        return f"content type {kind[:60]!r}"
    coding = headers.get("content-encoding", "").lower()
    known = CODINGS.issuperset(part.strip() for part in coding.split(","))  # urllib3 gives what it cannot decode as it is
    return "" if known else f"content encoding {coding[:60]!r}"


def judge_status(status: int) -> tuple[Outcome, str]:
    """What an HTTP status alone says; a body may still tell more (a queue page often comes with 503)."""
    if status in GONE_STATUSES:
        return Outcome.GONE, f"HTTP {status}"
    if status >= HTTP_ERRORS_FROM:
        return Outcome.HTTP_ERROR, f"HTTP {status}"
    return Outcome.OK, ""


def failed(
    url: str,
    outcome: Outcome,
    reason: str,
    at: dt.datetime,
    started: float,
    status: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Fetched:
    """An answer that holds nothing to parse."""
    return Fetched(url, outcome, at, elapsed(started), status, headers, reason=reason)


def elapsed(started: float) -> int:
    """Milliseconds since `started` (monotonic seconds)."""
    return round((time.monotonic() - started) * 1000)


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it wraps: by args, reason, PySocks' socket_err, cause and context; each once."""
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        item = queue.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        queue += [*item.args, getattr(item, "reason", None), getattr(item, "socket_err", None), item.__cause__, item.__context__]


def socks_code(error: BaseException) -> int | None:
    """The reply code of Tor's SOCKS port inside an exception; never read from the outer text, which may hold anything."""
    for item in chain(error):
        if isinstance(item, socks.SOCKS5Error):
            try:
                return int(str(item.msg).split(":")[0], 16)
            except ValueError:
                return None
    return None


def classify(error: BaseException, explain: Explain) -> tuple[Outcome, str]:
    """(outcome, one line of reason) of an exception of requests, urllib3, PySocks or the socket."""
    code = socks_code(error)
    if code is not None:
        return explain(code)
    kinds = tuple(chain(error))
    rules: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Outcome, str], ...] = (
        (socks.ProxyConnectionError, Outcome.TOR_DOWN, "the SOCKS port refused the connection"),
        (
            urllib3.exceptions.ConnectTimeoutError,
            Outcome.TIMEOUT_CONNECT,
            "no connection in time; the onion hangs or our own network is gone",
        ),
        (
            (urllib3.exceptions.ReadTimeoutError, requests.ReadTimeout, TimeoutError),
            Outcome.STALLED,
            "nothing came within the read timeout",
        ),
        (urllib3.exceptions.DecodeError, Outcome.NOT_TEXT, "the content encoding is broken"),
        (requests.exceptions.InvalidURL, Outcome.ONION_BAD_ADDRESS, "the address is not a URL"),
    )
    for wanted, outcome, reason in rules:
        if any(isinstance(kind, wanted) for kind in kinds):
            return outcome, reason
    return Outcome.RESET, f"the connection broke ({type(kinds[-1]).__name__})"
