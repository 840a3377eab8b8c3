"""A network namespace whose loopback acknowledges at once: the private network's pages then take about 4 ms instead of 150.

On the ordinary loopback every hop waits for delayed acknowledgements (steps of 40 ms), which resembles the latency of the real network. For
measuring what costs CPU, and to prove that nothing leaves (the namespace has no other interface), run a command under `quick_loopback_command`.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUTES = "".join(
    f"ip route replace local {destination} dev lo table local proto kernel scope host src 127.0.0.1 quickack 1 && "
    for destination in ("127.0.0.0/8", "127.0.0.1")
)
_SCRIPT = f'ip link set lo up && {_ROUTES} exec "$@"'


def quick_loopback_command(command: Sequence[str]) -> list[str]:
    """Return the command line that runs `command` in such a namespace, as the same user seen as root inside."""
    return ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", _SCRIPT, "sh", *command]


def quick_loopback_available() -> bool:
    """Return whether this machine lets us make one (it needs `unshare`, `ip` and unprivileged user namespaces)."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    try:
        tried = subprocess.run(quick_loopback_command(["true"]), capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
