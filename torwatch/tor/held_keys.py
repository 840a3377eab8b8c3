"""The client keys that a tor was given by us: it holds them in memory only, so a tor that is started again is given them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torwatch.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torwatch.tor.control import Control


class HeldKeys:
    """Onion → key, in base64. Not thread-safe: TorService holds its lock."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    def update(self, control: Control, wanted: Mapping[str, str]) -> None:
        """Take back what is not wanted any more and give what is new or another; TorError where tor refuses one, after all others."""
        for onion in self._keys.keys() - wanted.keys():
            control.remove_client_key(onion)
            del self._keys[onion]
        refused = []
        for onion, key in wanted.items():
            if self._keys.get(onion) != key:
                try:
                    control.add_client_key(onion, key)
                except TorError as error:
                    refused.append(error)
                else:
                    self._keys[onion] = key
        if refused:
            raise refused[0]

    def give_again(self, control: Control) -> None:
        """Give them all to a tor that was started, attached to or connected to again."""
        for onion, key in self._keys.items():
            control.add_client_key(onion, key)
