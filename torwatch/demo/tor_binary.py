"""The tor installed on this machine: where it is, which options it knows, and the keys it makes for an authority."""

from __future__ import annotations

import re
import shutil
import subprocess
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
    names = _finished(_started([tor, "--list-torrc-options"]))
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
    running = [
        _started(make_certificate),
        _started(make_fingerprint),
    ]  # at once, on two cores; no threads, which a closing interpreter refuses
    _finished(running[0], "not a secret\n")
    _finished(running[1])
    identity = _V3_IDENTITY.search(certificate.read_text(encoding="ascii"))
    if identity is None:
        raise TorError("tor-gencert wrote a certificate without a fingerprint")
    fingerprint = (data_directory / "fingerprint").read_text(encoding="ascii").split()[1]
    return Authority(or_port, dir_port, identity.group(1), fingerprint)


def _started(command: list[str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise TorError(f"{Path(command[0]).name} cannot be run: {error.strerror}") from error


def _finished(process: subprocess.Popen[str], text: str = "") -> str:
    """Wait for the end and return stdout; TorError with the last lines it said when it fails."""
    name = Path(process.args[0]).name  # type: ignore[index, arg-type]  # a list, as given in _started
    with process:
        try:
            said, complained = process.communicate(text, timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise TorError(f"{name} did not end in {_TIMEOUT_SECONDS} s") from error
        finally:
            process.kill()  # does nothing to one that has ended
    if process.returncode:
        last = " | ".join((said + complained).splitlines()[-2:]) or "it said nothing"
        raise TorError(f"{name} failed with code {process.returncode}: {last}")
    return said
