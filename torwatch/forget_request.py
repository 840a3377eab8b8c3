"""A request to forget under way: all that it takes to go on after a kill, in one file that is there from its beginning to its end."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from torwatch.archive.files import write_whole
from torwatch.errors import ArchiveError
from torwatch.overview import FORGETTING_NAME
from torwatch.store.person import Person

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """What is to be forgotten and why; `person` of one vendor account, `hosts` and `ids` of a market with its target."""

    market: str
    market_id: int
    why: str
    person: Person | None = None
    hosts: tuple[str, ...] = ()
    ids: tuple[tuple[str, tuple[int, ...]], ...] = ()  # of the market's rows, by table

    def is_of_the_same(self, other: ForgetRequest) -> bool:
        """Whether both are about the same account or market."""
        mine, theirs = (one.person and one.person.vendors for one in (self, other))
        return (self.market, mine) == (other.market, theirs)


def request_path(data_directory: Path) -> Path:
    """Where the file lies."""
    return data_directory / FORGETTING_NAME


def keep_request(data_directory: Path, request: ForgetRequest) -> None:
    """Write the file, readable by its owner only: it names whom nothing else is to name. Raises ArchiveError when it cannot be written."""
    fields = asdict(replace(request, person=None)) | {"person": request.person.to_json() if request.person else None}
    path = request_path(data_directory)
    write_whole(path, json.dumps(fields, ensure_ascii=False))
    path.chmod(0o600)


def read_request(data_directory: Path) -> ForgetRequest | None:
    """The request that a kill cut off; None where there is none. Raises ArchiveError when the file is damaged."""
    path = request_path(data_directory)
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        person = Person.from_json(fields["person"]) if fields["person"] else None
        ids = tuple((table, tuple(numbers)) for table, numbers in fields["ids"])
        return ForgetRequest(**(fields | {"person": person, "hosts": tuple(fields["hosts"]), "ids": ids}))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{path} is damaged ({type(error).__name__}): delete it and make the request to forget again") from error


def drop_request(data_directory: Path) -> None:
    """All is done: the file goes."""
    request_path(data_directory).unlink(missing_ok=True)
