"""OpenPGP key blocks and account names in the form that is compared between markets.

A fingerprint says that two accounts show the same key, not that one person holds it: a key can be copied by an impersonator.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pysequoia
from pysequoia import packet

if TYPE_CHECKING:
    import datetime as dt

VERSION = "1"  # a new one reads every stored block again
BLOCK = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)
HEADER = re.compile(r"[A-Za-z-]+: .*")
LEAST_HANDLE = 3  # characters: shorter ones are shared by chance


@dataclass(frozen=True, slots=True)
class PgpKey:
    """One certificate: `fingerprint` and `key_id` in upper case hexadecimal, times in UTC; `expires` None: never."""

    fingerprint: str
    key_id: str
    created: dt.datetime | None
    expires: dt.datetime | None
    revoked: bool
    user_id: str


def read_keys(text: str) -> tuple[PgpKey, ...]:
    """The keys of every armoured block in a text, each once; a block that cannot be read gives none."""
    found: dict[str, PgpKey] = {}
    for block in BLOCK.findall(text):
        for key in read_block(mend_armour(block)):
            found.setdefault(key.fingerprint, key)
    return tuple(found.values())


def read_block(block: str) -> list[PgpKey]:
    """The keys of one armoured block."""
    try:
        certificates = pysequoia.Cert.split_bytes(block.encode())
        return [read_certificate(certificate) for certificate in certificates]
    except (RuntimeError, ValueError):  # pysequoia raises these for what is no key
        return []


def read_certificate(certificate: pysequoia.Cert) -> PgpKey:
    """One certificate as a value."""
    created = next(
        (part.key_created for part in packet.PacketPile.from_bytes(str(certificate).encode()) if part.tag == packet.Tag.PublicKey), None
    )
    fingerprint = certificate.fingerprint.upper()
    user_ids = [str(user_id) for user_id in certificate.user_ids]
    return PgpKey(fingerprint, fingerprint[-16:], created, certificate.expiration, bool(certificate.is_revoked), next(iter(user_ids), ""))


def mend_armour(block: str) -> str:
    """Armour as a page shows it: lines may be indented, and the empty line after the headers lost."""
    lines = [line.strip() for line in block.splitlines()]
    body = 1
    while body < len(lines) and HEADER.fullmatch(lines[body]):
        body += 1
    rest = [line for line in lines[body:] if line]
    return "\n".join([*lines[:body], "", *rest]) + "\n"


def fold_handle(name: str) -> str:
    """Letters and digits of an account name, case folded; "" where too few are left to compare."""
    folded = "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())
    return folded if len(folded) >= LEAST_HANDLE else ""
