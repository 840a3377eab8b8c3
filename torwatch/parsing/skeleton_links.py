"""Addresses seen on pages, brought to templates: `/product/*/details`, `/?listing=*`; and what kind of page each leads to."""

# ruff: noqa: PLR2004 - points and thresholds of a guess: each stands once, where it is explained

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torwatch.model import PageKind
from torwatch.parserkit import find, local_path
from torwatch.parsing.skeleton_words import IGNORED, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_ID = re.compile(r"(?=.*\d)[\w.~-]+|[0-9a-f]{8,}|@.+", re.IGNORECASE)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|@")
_SAFE = re.compile(r"[A-Za-z0-9_.@-]+")
_CATEGORY = frozenset({"category", "categories", "cat", "cats", "subcategory", "tag"})
_ACTION = re.compile(r"(?:set|get|add|show|view|list|do)[A-Z]\w+$")
MANY = 3  # different values in one place: it is a variable
_KINDS = (PageKind.FEEDBACK, PageKind.LISTING, PageKind.VENDOR, PageKind.LISTING_INDEX)
MAX_LINKS = 5000  # of one page: more are made by a trap


@dataclass(frozen=True, slots=True)
class Template:
    """One form of address. `pattern`: regular expression with the group `key`; `hint`: fixed text in an href that leads there; `keys`: how many were seen."""

    kind: PageKind
    pattern: str
    hint: str
    keys: int
    example: str

    def key_in(self, path: str) -> str | None:
        """Give the key in an address of this form, else None."""
        match = re.search(self.pattern, path)
        return match.groupdict().get("key") if match else None

    @property
    def written(self) -> str:
        """The same pattern for an href as it is written: absolute, rooted or relative; the key is the first group."""
        return self.pattern.removeprefix("^/").replace("(?P<key>", "(", 1)

    def key_in_href(self, href: str) -> str | None:
        """Give the key in an href of this form, else None."""
        match = re.search(self.written, href)
        return match.group(1) if match and match.re.groups else None


@dataclass(frozen=True, slots=True)
class _Address:
    parts: tuple[str, ...]
    query: tuple[tuple[str, str], ...]


def links_of(root: Any, path: str = "") -> Iterator[tuple[Any, str]]:
    """Yield (element, path and query) for links and forms of a page that stay on the market."""
    for node in find(root, "a[href], form[action]")[:MAX_LINKS]:
        local = local_path(node.get("href") or node.get("action") or "", path)
        if local is not None and len(local) <= 500:  # no market has longer addresses
            yield node, local


def find_templates(paths: Iterable[str], told: Mapping[str, PageKind] | None = None, *, unknown: bool = False) -> list[Template]:
    """Bring addresses to templates and tell what each leads to; those that lead to nothing of interest are left out.

    `told`: kinds of pages that the user knows by their addresses. `unknown`: give only those whose words say nothing, as if they led to listings.
    """
    addresses = {path: _split(path) for path in dict.fromkeys(paths)}
    variables = _variables(addresses.values())
    groups: dict[tuple[object, ...], list[tuple[str, _Address]]] = defaultdict(list)
    for path, address in addresses.items():
        groups[_form(address, variables)].append((path, address))
    known = {_form(_split(path), variables): kind for path, kind in (told or {}).items() if kind is not PageKind.OTHER}
    found = []
    for form, members in groups.items():
        template = _build(known[form], form, members, (), ()) if form in known else _template(form, members)
        if unknown:
            template = _build(PageKind.LISTING, form, members, (), ()) if template is None and not _is_frame(form) else None
        if template is not None:
            found.append(template)
    return sorted(found, key=lambda one: (_KINDS.index(one.kind), -one.keys, -len(one.hint)))


def index_template(path: str) -> Template:
    """Make the form of address of an index whose words say nothing from one address: numbers in its path vary, its query too."""
    place = path.partition("?")[0].strip("/")
    pattern = "/".join(r"\d+" if part.isdigit() else re.escape(part) for part in place.split("/")) if place else ""
    return Template(PageKind.LISTING_INDEX, rf"^/{pattern}/?(?:\?|$)", "", 0, path)


def _split(path: str) -> _Address:
    place, _, query = path.partition("?")
    pairs = (one.partition("=") for one in re.split(r"&(?:amp;)?", query) if one)
    return _Address(tuple(part for part in place.split("/") if part), tuple((name, value) for name, _, value in pairs))


def _variables(addresses: Iterable[_Address]) -> set[tuple[object, ...]]:
    """Find the places where many different values stand: (parts before it) of a path, (path, name) of a query."""
    seen: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for address in addresses:
        for index in range(1, len(address.parts)):
            seen[address.parts[:index]].add(address.parts[index])
        for name, value in address.query:
            seen["?", address.parts, name].add(value)
    return {place for place, values in seen.items() if len(values) >= MANY}


def _words(name: str) -> set[str]:
    return {part.lower() for part in _PARTS.findall(name)} | {name.lower()}


def _path_words(part: str | None) -> set[str]:
    """Give the words of a fixed part; `product-category` speaks of categories, not of a product."""
    words = _words(part) if part is not None else set()
    return words - WORDS[PageKind.LISTING] if words & _CATEGORY else words


def _is_frame(form: tuple[Any, ...]) -> bool:
    return any(part is not None and _is_ignored(part) for part in form[0])


def _is_ignored(part: str) -> bool:
    """Say whether a fixed part speaks of nothing but the frame: `login`, not `contactMember`."""
    words = _words(part)
    return part.lower() in IGNORED or (words - {part.lower()} or {""}) <= IGNORED


def _form(address: _Address, variables: set[tuple[object, ...]]) -> tuple[object, ...]:
    form: list[object] = []
    for index, part in enumerate(address.parts):
        fixed_word = bool(_words(part) & (IGNORED | WORDS[PageKind.FEEDBACK])) and len(part) > 1
        after_word = bool(index and _words(address.parts[index - 1]) & WORDS[PageKind.VENDOR])
        fixed_word = fixed_word or _ACTION.match(part) is not None
        variable = _ID.fullmatch(part) is not None or (index and not fixed_word and (address.parts[:index] in variables or after_word))
        form.append(None if variable and not (index == 0 and not part.startswith("@") and not part.isdigit()) else part)
    query = []
    for name, value in address.query:
        word = re.fullmatch(r"[a-z_]{1,20}", value) is not None and ("?", address.parts, name) not in variables
        query.append((name, value if word else None))
    return (tuple(form), tuple(sorted(query, key=str)))


def _template(form: tuple[Any, ...], members: Sequence[tuple[str, _Address]]) -> Template | None:
    parts, query = form
    tokens = [_path_words(part) for part in parts]
    names = [(_words(name) if len(name) > 1 else set()) | (_words(value) if value else set()) for name, value in query]
    if any(part is not None and _is_ignored(part) for part in parts):
        return None
    if parts and parts[0] is None and members[0][1].parts[0].startswith("@"):
        return _at_sign(members)
    for kind in _KINDS:
        places = [index for index, words in enumerate(tokens) if words & WORDS[kind]]
        asked = [index for index, words in enumerate(names) if words & WORDS[kind]]
        if not places and not asked:
            continue
        if kind is not PageKind.LISTING_INDEX and not any(part is None for part in parts) and not any(value is None for _, value in query):
            continue
        return _build(kind, form, members, places, asked)
    return None


def _at_sign(members: Sequence[tuple[str, _Address]]) -> Template:
    keys = {address.parts[0] for _, address in members}
    return Template(PageKind.VENDOR, r"^/@(?P<key>[^/?#]+)", "/@", len(keys), members[0][0])


def _build(
    kind: PageKind, form: tuple[Any, ...], members: Sequence[tuple[str, _Address]], places: Sequence[int], asked: Sequence[int]
) -> Template | None:
    parts, query = form
    example = members[0][0]
    index = next((at + 1 for at in reversed(places) if at + 1 < len(parts) and parts[at + 1] is None), None)
    if index is None and (places or not asked) and kind is not PageKind.LISTING_INDEX:  # /product/setTab/7, /shop/7/reviews
        index = next((at for at, part in enumerate(parts) if part is None), None)
    if index is not None:
        head = "/".join(part if part is not None else "*" for part in parts[:index])
        keys = {address.parts[index] for _, address in members}
        pattern = "^/" + "/".join(re.escape(part) if part is not None else "[^/?#]+" for part in parts[:index]) + ("/" if index else "")
        number = r"\d+" if all(key.isdigit() for key in keys) else r"[^/?#]+"
        last = max((at for at in places), default=index) if kind is PageKind.FEEDBACK else index
        tail = "".join("/" + (re.escape(part) if part is not None else "[^/?#]+") for part in parts[index + 1 : last + 1])
        hint = "/" + head.rpartition("*")[2].strip("/") + "/" if head else "/"
        return _checked(kind, pattern + f"(?P<key>{number})" + tail, hint.replace("//", "/"), len(keys), example)
    name = next((query[at][0] for at in asked if query[at][1] is None), None)
    if name is None and kind is not PageKind.LISTING_INDEX:
        name = next((one for one, value in query if value is None), None)
    place = "/".join(part if part is not None else "*" for part in parts)
    start = "^/" + "/".join(re.escape(part) if part is not None else "[^/?#]+" for part in parts)
    if name is None:
        return _checked(kind, start + r"(?:[/?#]|$)", f"/{place.partition('*')[0]}", 1, example) if places else None
    keys = {dict(address.query).get(name, "") for _, address in members}
    number = r"\d+" if all(key.isdigit() for key in keys) else r"[^&#]+"
    fixed = "".join(rf"(?=.*\b{re.escape(one)}={re.escape(value)}\b)" for one, value in query if value and _words(value) & WORDS[kind])
    return _checked(kind, start + rf"\?{fixed}(?:.*&)?{re.escape(name)}=(?P<key>{number})", f"{name}=", len(keys), example)


def _checked(kind: PageKind, pattern: str, hint: str, keys: int, example: str) -> Template | None:
    """Leave out what cannot stand in a selector or is too short to tell anything."""
    plain = hint.strip("/=")
    if not plain and kind is not PageKind.LISTING_INDEX:
        return None
    return Template(kind, pattern, hint if all(_SAFE.fullmatch(one) for one in re.split(r"[/=?]", hint) if one) else "", keys, example)
