"""A layout: how the columns of a published data set map to the fields of a listing, as a TOML file says it."""

from __future__ import annotations

import codecs
import hashlib
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torwatch.errors import UsageError
from torwatch.model import Listing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = Path(__file__).with_name("layouts")
LISTING_FIELDS = frozenset(item.name for item in fields(Listing)) - {"extra", "source", "promoted"}
KNOWN = frozenset(
    {"title", "separator", "encoding", "header", "columns", "decimal", "currency", "missing", "iso2", "glued", "at", "key", "fields"}
)


def is_text(value: Any) -> bool:
    """Whether a value is a text."""
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    """Whether a value is true or false."""
    return isinstance(value, bool)


def all_texts(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def is_column(value: Any) -> bool:
    """Whether a value names a column or several."""
    return is_text(value) or all_texts(value)


# What each key of a layout must be, and how that is said.
KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("title", "encoding", "decimal", "currency", "glued", "at"), (is_text, "a text")),
    **dict.fromkeys(("header", "iso2"), (is_flag, "true or false")),
    "separator": (lambda value: is_text(value) and bool(value) and value not in '"\r\n', "what stands between two cells, for instance ;"),
    "missing": (all_texts, 'a list of texts, for instance ["NA"]'),
    "key": (is_column, "a column or a list of columns"),
    "columns": (
        lambda value: isinstance(value, dict) and all(count.isdecimal() and all_texts(names) for count, names in value.items()),
        'a table of lists by their length, for instance 7 = ["date", "vendor", …]',
    ),
    "fields": (
        lambda value: isinstance(value, dict) and all(map(is_column, value.values())),
        'a table of columns, for instance title = "product"',
    ),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out.

    `columns`: number of columns → their names, for files without a header line. `fields`: field of a listing → the column or columns it
    stands in. `key`: the columns that identify a listing (one: the data set's own id; several: their digest). `glued`: the field whose
    text may hold both directions ("From: X To: Y"). `at`: the column that holds the moment of a row. `digest`: of the TOML text.
    """

    name: str
    digest: str
    text: str = ""  # the TOML
    title: str = ""
    separator: str = ","
    encoding: str = "utf-8-sig"
    header: bool = True
    columns: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    decimal: str = "."
    currency: str | None = None
    missing: frozenset[str] = frozenset({""})
    iso2: bool = False
    glued: str = ""
    at: str = ""
    key: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def shipped_layouts() -> list[str]:
    """Names of the layouts that come with torwatch."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_layout(name: str) -> Layout:
    """A shipped layout by name, or one from a TOML file. Raises UsageError, one line, when it cannot be used."""
    path = FOLDER / f"{name}.toml" if name in shipped_layouts() else Path(name)
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except FileNotFoundError as error:
        raise UsageError(f"there is no layout {name!r}: name a TOML file, or one of {', '.join(shipped_layouts())}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the layout {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the layout {path} is no TOML: {error}") from error
    return read_layout(path.stem, text, table)


def read_layout(name: str, text: str, table: Mapping[str, Any]) -> Layout:
    """A layout from its parsed TOML. Raises UsageError for keys and fields that do not exist."""
    unknown = sorted(set(table) - KNOWN)
    if unknown:
        raise UsageError(f"layout {name}: unknown key {unknown[0]!r}; known are {', '.join(sorted(KNOWN))}")
    check_types(name, table)
    mapped = table.get("fields")
    if not isinstance(mapped, dict) or "title" not in mapped:
        raise UsageError(f'layout {name}: [fields] must say at least in which column the title stands: title = "product"')
    foreign = sorted(set(mapped) - LISTING_FIELDS)
    if foreign:
        raise UsageError(f"layout {name}: a listing has no field {foreign[0]!r}; known are {', '.join(sorted(LISTING_FIELDS))}")
    columns = {int(count): tuple(names) for count, names in table.get("columns", {}).items()}
    if not table.get("header", True) and not columns:
        raise UsageError(f'layout {name}: a file without a header needs [columns], for instance 7 = ["date", "vendor", …]')
    return Layout(
        name=name,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        title=str(table.get("title", "")),
        separator=str(table.get("separator", ",")),
        encoding=str(table.get("encoding", "utf-8-sig")),
        header=bool(table.get("header", True)),
        columns=columns,
        decimal=str(table.get("decimal", ".")),
        currency=table.get("currency"),
        missing=frozenset({"", *table.get("missing", ())}),
        iso2=bool(table.get("iso2", False)),
        glued=str(table.get("glued", "")),
        at=str(table.get("at", "")),
        key=as_columns(table.get("key", ())),
        fields={name: as_columns(value) for name, value in mapped.items()},
    )


def check_types(name: str, table: Mapping[str, Any]) -> None:
    """Raise UsageError for a value that is not of its key's kind, and for signs and encodings that cannot be used."""
    for key in KINDS.keys() & table:
        fits, wanted = KINDS[key]
        if not fits(table[key]):
            raise UsageError(f"layout {name}: {key} must be {wanted}, not {table[key]!r}")
    try:
        codecs.lookup(table.get("encoding", "utf-8"))
    except LookupError as error:
        raise UsageError(f"layout {name}: there is no encoding {table['encoding']!r}") from error


def as_columns(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """One column name or several."""
    return (value,) if isinstance(value, str) else tuple(value)
