"""SOCKS identities: a user and password by which tor keeps the circuits of one target apart from those of all others."""

from __future__ import annotations

import hashlib
import hmac


def derive_credentials(identity: str, secret: bytes) -> tuple[str, str]:
    """Return a SOCKS user and password for an identity; the same secret gives the same ones.

    Both are 32 hexadecimal characters: PySocks breaks at 128 bytes, and an empty password would switch isolation off.
    The identity cannot be read from them, so a tor log names no target.
    """
    digest = hmac.new(secret, identity.encode("utf-8"), hashlib.sha256).hexdigest()
    return digest[:32], digest[32:]
