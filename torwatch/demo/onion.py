"""An onion service offered by a tor of the private network, and the wait until its descriptor can be found everywhere."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torwatch.errors import TorError

if TYPE_CHECKING:
    from torwatch.demo.control import ControlConnection

_QUIET_SECONDS = 0.25
NEW_KEY = "NEW:ED25519-V3"


@dataclass(frozen=True, slots=True)
class OnionService:
    """A v3 onion service: its address, and the key (`ED25519-V3:…`) with which the same address can be offered again."""

    address: str
    private_key: str = field(repr=False)


def offer(
    control: ControlConnection,
    *,
    target_port: int,
    virtual_port: int,
    private_key: str | None,
    client_auth_public: str | None,
    timeout_seconds: float,
) -> OnionService:
    """Add a service that outlives the connection and wait until all its descriptors are uploaded.

    All: tor uploads one descriptor a time period to several directories each, so the first UPLOADED (for which stem waits) says nothing of the
    one a client will ask for. Done is when as many uploads ended as were begun, and no more were begun for 0.25 s.
    """
    control.ask("SETEVENTS HS_DESC")
    flags = "Detach" if client_auth_public is None else "Detach,V3Auth"
    authorisation = "" if client_auth_public is None else f" ClientAuthV3={client_auth_public}"
    reply = control.ask(f"ADD_ONION {private_key or NEW_KEY} Flags={flags} Port={virtual_port},127.0.0.1:{target_port}{authorisation}")
    values = dict(line.split("=", 1) for line in reply.lines if "=" in line)
    service_id = values["ServiceID"]
    service = OnionService(f"{service_id}.onion", private_key or values["PrivateKey"])
    begun = ended = uploaded = 0
    deadline = time.monotonic() + timeout_seconds
    while (left := deadline - time.monotonic()) > 0:
        settled = uploaded > 0 and ended >= begun
        event = control.event(_QUIET_SECONDS if settled else left)
        if event is None and settled:
            return service
        words = (event or "").split()
        if words[:1] == ["HS_DESC"] and words[2] == service_id:
            begun += words[1] == "UPLOAD"
            ended += words[1] in {"UPLOADED", "FAILED"}
            uploaded += words[1] == "UPLOADED"
    raise TorError(f"the descriptor of {service.address} was not published in {timeout_seconds:.0f} s ({uploaded} of {begun} uploads)")
