"""A market's own list of mirrors, believed only with a good PGP signature of a key that the operator has checked."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pysequoia

from torwatch.errors import UsageError

ONION = re.compile(r"(?<![a-z0-9])(?:https?://)?([a-z2-7]{56}\.onion)(?::(\d+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MirrorList:
    """The addresses of a signed list as written (host, or host:port), and who signed it."""

    addresses: tuple[str, ...]
    fingerprint: str
    signers: tuple[str, ...]  # user ids of the key


def read_mirror_list(signed: bytes, key: bytes) -> MirrorList:
    """The addresses under the signature, never those around it. Raises UsageError when the key, the signature or the list is no good."""
    try:
        certificate = pysequoia.Cert.from_bytes(key)
    except RuntimeError as error:
        raise UsageError(f"the key file holds no PGP public key ({first_line(error)}): give the market's key as --key KEY.asc") from error
    try:
        found = pysequoia.verify(signed, store=lambda _ids: [certificate])
    except RuntimeError as error:
        raise UsageError(
            f"the list has no good signature of key {certificate.fingerprint} ({first_line(error)}): nothing was taken from it;"
            " it is damaged, forged, or signed with another key"
        ) from error
    text = (found.bytes or b"").decode("utf-8", "replace")
    addresses = dict.fromkeys(host.lower() + (f":{port}" if port else "") for host, port in ONION.findall(text))
    if not addresses:
        raise UsageError("the signature is good, but no onion address stands under it: nothing was changed")
    return MirrorList(tuple(addresses), certificate.fingerprint, tuple(str(user) for user in certificate.user_ids))


def first_line(error: Exception) -> str:
    """What the library says, without its stack."""
    return str(error).partition("\n")[0].rstrip(".")
