"""What a market sees of us: Tor Browser's headers in its order, on every request, as its own log has them."""

from __future__ import annotations

from planted import COOKIE

from torwatch.crawl.session import BrowserSession, Cookie, save_session
from torwatch.store.sessions import begin_session

# A navigation of Firefox ESR 140 over HTTP/1.1, as Tor Browser 15 sends it to an onion.
BEFORE_COOKIE = (
    "Host",
    "User-Agent",
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Sec-GPC",
    "Connection",
)
AFTER_COOKIE = ("Upgrade-Insecure-Requests", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Priority")


def orders(watch):
    return {tuple(name for name, _ in request.headers) for request in watch.server.requests}


def test_every_request_has_the_headers_of_tor_browser_in_its_order(watched):
    watch = watched(listings=8)
    watch.look()
    assert len(watch.server.requests) > 8
    assert orders(watch) == {BEFORE_COOKIE + AFTER_COOKIE}
    values = {dict(request.headers)["User-Agent"] for request in watch.server.requests}
    assert values == {"Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"}
    assert {dict(request.headers)["Accept-Encoding"] for request in watch.server.requests} == {"gzip, deflate"}


def test_the_cookie_of_a_session_stands_where_the_browser_writes_it(watched):
    watch = watched(listings=4)
    save_session(watch.config.sessions_directory, watch.target.id, BrowserSession((Cookie("sid", COOKIE), Cookie("theme", "dark"))))
    begin_session(watch.store, watch.target, 2, now=watch.clock())
    watch.look()
    assert orders(watch) == {(*BEFORE_COOKIE, "Cookie", *AFTER_COOKIE)}
    assert {request.cookie for request in watch.server.requests} == {f"sid={COOKIE}; theme=dark"}


def test_headers_of_the_configuration_are_sent_as_they_stand_there(watched):
    watch = watched(listings=4, user_agent="Tea/1", headers={"X-Second": "2", "Accept": "text/html", "X-Last": "z"})
    watch.look()
    names = ("Host", "Accept-Encoding", "User-Agent", "X-Second", "Accept", "X-Last")
    found = orders(watch)
    assert len(found) == 1
    order = [name for name in found.pop() if name in {"User-Agent", "X-Second", "Accept", "X-Last"}]
    assert order == [name for name in names if name in order]
    assert {dict(request.headers)["X-Last"] for request in watch.server.requests} == {"z"}
