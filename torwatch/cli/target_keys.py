"""`--client-auth-key-file` of `torwatch target`: the client keys of onions that admit known clients only, kept and forgotten."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torwatch.cli.context import the_config
from torwatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Any

option: Callable[[Any], Any] = click.option(
    "--client-auth-key-file",
    "key_files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Client key of an onion that admits known clients only: tor's .auth_private form, or the key alone for all addresses; may be given again.",
)


@contextlib.contextmanager
def keeping_keys(files: Sequence[Path], hosts: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Keep the keys of the files while the block goes well, else what was there before; gives the onions. Raises UsageError."""
    from torwatch.tor.client_keys import drop_client_key, parse_client_keys, read_client_keys, save_client_key

    keys: dict[str, str] = {}
    for file in files:
        try:
            keys |= parse_client_keys(file.read_text(encoding="utf-8", errors="replace"), hosts)
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}") from error
        except UsageError as error:
            raise UsageError(f"{file}: {error}") from error
    directory = the_config().client_keys_directory
    before, _ = read_client_keys(directory)
    for host, key in keys.items():
        save_client_key(directory, host, key)
    try:
        yield tuple(keys)
    except BaseException:
        for host in keys:
            if host in before:
                save_client_key(directory, host, before[host])
            else:
                drop_client_key(directory, host)
        raise


def forget_keys(hosts: Collection[str]) -> tuple[str, ...]:
    """Delete the keys of onions; gives those that had one."""
    from torwatch.tor.client_keys import drop_client_key

    return tuple(host for host in hosts if drop_client_key(the_config().client_keys_directory, host))


def kept_for(hosts: Collection[str]) -> tuple[str, ...]:
    """Those of the onions that a key is kept for."""
    from torwatch.tor.client_keys import key_path

    return tuple(host for host in hosts if key_path(the_config().client_keys_directory, host).exists())


def tell_kept(files: Sequence[Path], hosts: Collection[str]) -> None:
    """Say what was kept and what is left to do."""
    for host in hosts:
        click.echo(f"A client key is kept for {host}, readable by this user only.")
    if files:
        click.echo(f"Delete {' and '.join(map(str, files))} now, or keep it where nobody else reads it.")
