"""The tor installed on this machine: where it is, which options it knows, and the keys it makes for an authority."""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from torwatch.demo.torrc import Authority
from torwatch.errors import TorError

_TIMEOUT_SECONDS = 60
_V3_IDENTITY = re.compile(r"^fingerprint ([0-9A-F]{40})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class TorBinary:
    """The programs `tor` and `tor-gencert`, and the names of the options this tor knows, in lower case."""

    tor: Path
    gencert: Path
    known_options: frozenset[str]


def find_tor() -> TorBinary:
    """Find tor on PATH; TorError in one line when it is not there."""
    tor, gencert = shutil.which("tor"), shutil.which("tor-gencert")
    if tor is None or gencert is None:
        missing = "tor" if tor is None else "tor-gencert"
        raise TorError(f"{missing} is not installed (not found on PATH): apt-get install tor")
    names = _run([tor, "--list-torrc-options"])
    return TorBinary(Path(tor), Path(gencert), frozenset(names.lower().split()))


def make_authority(binary: TorBinary, data_directory: Path, or_port: int, dir_port: int) -> Authority:
    """Make the authority's long-term keys in its data directory (about 1 s: two RSA 3072 keys, most of a cold start's CPU)."""
    keys = data_directory / "keys"
    keys.mkdir(parents=True, mode=0o700)
    certificate = keys / "authority_certificate"
    make_certificate = [
        str(binary.gencert),
        *("--create-identity-key", "--passphrase-fd", "0", "-m", "12", "-a", f"127.0.0.1:{dir_port}"),
        *("-i", str(keys / "authority_identity_key"), "-s", str(keys / "authority_signing_key"), "-c", str(certificate)),
    ]
    make_fingerprint = [
        *(str(binary.tor), "--hush", "--defaults-torrc", "/dev/null", "-f", str(data_directory / "none"), "--ignore-missing-torrc"),
        "--list-fingerprint",
        *("--DataDirectory", str(data_directory), "--ORPort", f"127.0.0.1:{or_port}"),
        *("--DirAuthority", f"none 127.0.0.1:1 {'0' * 40}"),  # never asked: it keeps the public authorities out of the configuration
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = [pool.submit(_run, make_certificate, "not a secret\n"), pool.submit(_run, make_fingerprint)]
        for one in made:
            one.result()
    identity = _V3_IDENTITY.search(certificate.read_text(encoding="ascii"))
    if identity is None:
        raise TorError("tor-gencert wrote a certificate without a fingerprint")
    fingerprint = (data_directory / "fingerprint").read_text(encoding="ascii").split()[1]
    return Authority(or_port, dir_port, identity.group(1), fingerprint)


def _run(command: list[str], text: str = "") -> str:
    """Run to the end and return stdout; TorError with the last lines it said when it fails."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True)
    except subprocess.CalledProcessError as error:
        said = " | ".join((error.stdout + error.stderr).splitlines()[-2:]) or "it said nothing"
        raise TorError(f"{Path(command[0]).name} failed with code {error.returncode}: {said}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TorError(f"{Path(command[0]).name} cannot be run: {error}") from error
    return done.stdout
