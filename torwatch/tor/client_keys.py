"""Client keys: what opens onions that admit known clients only, each in a file that this user alone can read, in tor's own form."""

from __future__ import annotations

import base64
import binascii
import contextlib
from typing import TYPE_CHECKING, Final

from torwatch.credentials import write_secret
from torwatch.errors import UsageError
from torwatch.tor.address import parse_onion

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

KEY_SIZE_BYTES: Final = 32
BASE32_CHARACTERS: Final = 52
ENDING: Final = ".auth_private"
WANTED: Final = (
    "a line as in tor's .auth_private files (ADDRESS:descriptor:x25519:KEY), or an x25519 private key alone, in base32 or base64"
)


def parse_client_keys(text: str, hosts: Iterable[str] | None = None) -> dict[str, str]:
    """The keys in a text, by onion host and in base64: of `.auth_private` lines those of their onions, of a bare key all of `hosts`.

    `hosts` None: a text for any onions, in which every line names its own. Raises UsageError, which never shows a key, for anything else.
    """
    wanted = None if hosts is None else tuple(hosts)
    found: dict[str, str] = {}
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise UsageError(f"there is no client key in it: give {WANTED}")
    for number, line in enumerate(lines, 1):
        *front, key = line.split(":")
        match front:
            case [label, "descriptor", "x25519"]:
                host = parse_onion(label).host
                if wanted is not None and host not in wanted:
                    raise UsageError(f"line {number} holds a client key for {host}, which is none of the addresses it is given for")
                found[host] = encode_key(key)
            case ["descriptor", "x25519"]:
                raise UsageError("this is the public half of a key, as the service keeps it (.auth): give the private one (.auth_private)")
            case [] | ["x25519"] if wanted is not None:
                if len(lines) > 1:
                    raise UsageError(f"{len(lines)} keys that name no onion: give {WANTED}")
                found |= dict.fromkeys(wanted, encode_key(key))
            case _:
                raise UsageError(f"line {number} holds no client key: give {WANTED}")
    return found


def encode_key(text: str) -> str:
    """An x25519 private key as base64, from base32 or base64; UsageError, which never shows the key, for anything else."""
    bare = text.rstrip("=")
    with contextlib.suppress(binascii.Error, ValueError):
        if len(bare) == BASE32_CHARACTERS:
            raw = base64.b32decode(bare.upper() + "=" * (-len(bare) % 8))
        else:
            raw = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        if len(raw) == KEY_SIZE_BYTES and any(raw):  # tor takes no key of zeros
            return base64.b64encode(raw).decode("ascii")
    raise UsageError("the client key is not an x25519 private key: 32 bytes in base32 (52 characters) or base64 (44 characters)")


def key_path(directory: Path, host: str) -> Path:
    """Where the key of an onion is kept."""
    return directory / f"{host}{ENDING}"


def save_client_key(directory: Path, host: str, key: str) -> None:
    """Keep the key (base64) of an onion, in the form that tor itself reads."""
    encoded = base64.b32encode(base64.b64decode(key)).decode("ascii").rstrip("=")
    write_secret(key_path(directory, host), f"{host.removesuffix('.onion')}:descriptor:x25519:{encoded}\n")


def drop_client_key(directory: Path, host: str) -> bool:
    """Delete the key of an onion; False when there was none."""
    there = key_path(directory, host).exists()
    key_path(directory, host).unlink(missing_ok=True)
    return there


def read_client_keys(directory: Path, credential: Path | None = None) -> tuple[dict[str, str], tuple[str, ...]]:
    """Every key by onion host, in base64, and the faults of files that give none. A key kept in `directory` goes before the credential's."""
    keys: dict[str, str] = {}
    faults = []
    for path in ([] if credential is None else [credential]) + sorted(directory.glob(f"*{ENDING}")):
        try:
            keys |= _read_lines(path) if path == credential else _read_kept(path)
        except FileNotFoundError:
            continue  # dropped meanwhile
        except (OSError, UsageError) as error:
            faults.append(f"{path}: {getattr(error, 'strerror', None) or error}")
    return keys, tuple(faults)


def _read_kept(path: Path) -> dict[str, str]:
    if path.stat().st_mode & 0o077:
        raise UsageError("others can read it: chmod 600 it, and ask for a new key")
    return _read_lines(path, [path.name.removesuffix(ENDING)])


def _read_lines(path: Path, hosts: Iterable[str] | None = None) -> dict[str, str]:
    return parse_client_keys(path.read_text(encoding="utf-8", errors="replace"), hosts)
