"""A plugin of datasette: every answer carries a policy that lets the browser ask this machine only, whatever a page holds."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from datasette import hookimpl

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Datasette writes scripts and styles into its pages, and Vega makes functions of expressions: those are allowed, other hosts are not.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = [(b"content-security-policy", POLICY.encode()), (b"referrer-policy", b"no-referrer")]


@hookimpl  # type: ignore[untyped-decorator]  # datasette ships no types
def asgi_wrapper() -> Callable[..., Any]:
    """Add the headers to every response."""

    def wrap(application: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        @wraps(application)
        async def answer(scope: Any, receive: Any, send: Callable[..., Awaitable[None]]) -> None:
            async def send_with_policy(event: dict[str, Any]) -> None:
                if event["type"] == "http.response.start":
                    event = {**event, "headers": [*event.get("headers", []), *HEADERS]}
                await send(event)

            await application(scope, receive, send_with_policy)

        return answer

    return wrap
