"""A plugin of datasette: nothing but reading is answered; every other method is refused on every route."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from datasette import hookimpl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

READING = frozenset({"GET", "HEAD"})
REFUSAL = b"This database is read only: torwatch writes it, datasette only shows it.\n"


@hookimpl  # type: ignore[untyped-decorator]  # datasette ships no types
def asgi_wrapper() -> Callable[..., Any]:
    """Refuse what is no reading before datasette sees it."""

    def wrap(application: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        @wraps(application)
        async def answer(scope: Any, receive: Any, send: Callable[..., Awaitable[None]]) -> None:
            if scope["type"] != "http" or scope["method"] in READING:
                await application(scope, receive, send)
                return
            headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"allow", b"GET, HEAD")]
            await send({"type": "http.response.start", "status": 405, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})

        return answer

    return wrap
