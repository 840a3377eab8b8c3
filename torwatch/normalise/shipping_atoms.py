"""The atoms of a shipping claim: the longest known name at each word, codes that need their neighbours, marks, and unknown words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torwatch.normalise.country import Entry, Gazetteer
    from torwatch.normalise.shipping_words import Token

PLACES = frozenset({"country", "region", "world"})
_LONGEST_NAME = 12  # words
_CROSSED = frozenset({",", ".", "-", "\u2013", ":"})  # marks inside names: "Korea, Republic of", "Congo - Kinshasa"
# Continents and placeholders as much as countries: never read as a code. NA: "not available" or North America before Namibia.
_NEVER_CODES = frozenset({"NA", "SA", "AF", "AS", "AN", "OC"})
# Codes that are words or abbreviations of something else: only in a written list, between marks.
WORDS_AS_CODES = frozenset({"ME", "MY", "SO", "TO", "AM", "DO", "IN", "IS", "IT", "NO", "BE", "AT", "BY", "LA", "PM", "TV", "AI"})
_WORDS_AS_ALPHA3 = frozenset(
    {
        "ARE",
        "ARM",
        "BEN",
        "CAN",
        "COD",
        "COG",
        "COM",
        "CUB",
        "GAB",
        "GIN",
        "GUM",
        "JAM",
        "LIE",
        "MAC",
        "MAR",
        "MUS",
        "PAN",
        "PER",
        "SEN",
        "SUR",
    }
    | {"TOG", "TON", "TUN", "VIR"}
)
_NEVER_ALPHA3 = frozenset({"AND", "ARE", "COM", "DOM", "PER", "TON"})  # DOM: domestic, départements d'outre-mer
_SURE_ALONE = frozenset({"DE"})  # written by half of all sellers for Germany; other codes need their neighbours or the market's word
_JOINERS = frozenset(
    {"and", "or", "only", "just", "to", "from", "except", "exept", "excl", "excluding", "exc", "ex", "not", "no", "minus", "but", "without"}
)


class Atom(NamedTuple):
    """One thing said. `role`: a role of the tables, or code, listed, unknown, mark, open, close, hyphen, arrow."""

    role: str
    code: str = ""  # alpha-2 of a country, code of a region
    kind: str = ""  # of a country's name: name, short, part, city, misspelling, code, flag, listed
    text: str = ""


def atoms_of(tokens: Sequence[Token], tables: Gazetteer, *, codes: bool) -> list[Atom]:
    """Give the tokens as atoms; ISO codes count by themselves only where `codes`, else as candidates that the reading settles."""
    atoms: list[Atom] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "word":
            end, entry = _longest(tokens, at, tables)
            code = _as_code(tokens, at, tables, certain=codes) if end == at + 1 and (entry is None or entry.role not in PLACES) else None
            atoms.append(code or _named(tokens, at, entry))
            at = end
        else:
            atoms.append(_flag(token, tables) if token.kind == "flag" else Atom(token.kind, text=token.raw))
            at += 1
    return atoms


def _named(tokens: Sequence[Token], at: int, entry: Entry | None) -> Atom:
    text = tokens[at].folded
    if entry is None:
        return Atom("unknown", text=text)
    if entry.kind == "listed":
        return Atom("listed" if _alone(tokens, at) else "unknown", entry.code, "listed", text)
    return Atom(entry.role, entry.code, entry.kind, text)


def _flag(token: Token, tables: Gazetteer) -> Atom:
    code = tables.flags.get(token.raw, token.raw)
    role = "country" if code in tables.alpha2 else "region" if code == "EU" else "unknown"
    return Atom(role, code, "flag", token.raw)


def _longest(tokens: Sequence[Token], at: int, tables: Gazetteer) -> tuple[int, Entry | None]:
    """Find where the longest known run of words from `at` ends; only a country's name may run across a comma or bracket, and then must end a group."""
    most = min(tables.longest.get(tokens[at].folded, 0), _LONGEST_NAME)
    words: list[str] = []
    best: tuple[int, Entry | None] = (at + 1, None)
    crossed = opened = False
    for index in range(at, len(tokens) if most else at):
        token = tokens[index]
        if token.kind == "word":
            words.append(token.folded)
            if len(words) > most:
                break
            entry = tables.entries.get(" ".join(words))
            end = _closed(tokens, at, index + 1) if opened else index + 1
            if entry is not None and end and (not crossed or (entry.role == "country" and _ends_group(tokens, end))):
                best = (end, entry)
        elif token.kind in {"open", "close"} or token.raw in _CROSSED:
            crossed = crossed or token.kind != "hyphen"
            opened = opened or token.kind == "open"
        elif token.kind != "hyphen":
            break
    return best


def _closed(tokens: Sequence[Token], at: int, end: int) -> int:
    """Give the end of a name that holds a bracket, its closing bracket included; 0 where only half of the bracket is in the name."""
    if end < len(tokens) and tokens[end].kind == "close":
        return end + 1
    return end if any(token.kind == "close" for token in tokens[at:end]) else 0


def _ends_group(tokens: Sequence[Token], end: int) -> bool:
    return end == len(tokens) or tokens[end].kind != "word"


def _as_code(tokens: Sequence[Token], at: int, tables: Gazetteer, *, certain: bool) -> Atom | None:
    """Read a word as ISO alpha-2 or alpha-3: for sure where the market writes codes, else as a candidate; None where it is no code."""
    raw = tokens[at].raw
    if len(raw) not in {2, 3} or not raw.isascii() or not _alone(tokens, at):
        return None
    return (_as_alpha2 if len(raw) == 2 else _as_alpha3)(raw, tables, listed=_between_marks(tokens, at), certain=certain)  # noqa: PLR2004 - alpha-2


def _as_alpha2(raw: str, tables: Gazetteer, *, listed: bool, certain: bool) -> Atom | None:
    code = raw.upper()
    if code not in tables.alpha2 or code in _NEVER_CODES:
        return None
    if raw == code and (certain or code in _SURE_ALONE):
        return Atom("country", code, "code", raw)
    if raw == code:
        return Atom("code", code, "code", raw) if listed or code not in WORDS_AS_CODES else None
    return Atom("code", code, "code", raw) if listed and raw.islower() and code not in WORDS_AS_CODES else None


def _as_alpha3(raw: str, tables: Gazetteer, *, listed: bool, certain: bool) -> Atom | None:
    upper = raw.upper()
    code = tables.alpha3.get(upper)
    if code is None or upper in _NEVER_ALPHA3:
        return None
    if raw == upper and (certain or upper not in _WORDS_AS_ALPHA3):
        return Atom("country", code, "code", raw)
    return Atom("code", code, "code", raw) if listed else None


def _alone(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word stands between separators (or joining words), as the entries of a list do."""
    return all(token.kind != "word" or token.folded in _JOINERS for token in _beside(tokens, at))


def _between_marks(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether no word at all stands beside, and a mark does: an entry of a written list."""
    beside = _beside(tokens, at)
    return bool(beside) and all(token.kind != "word" for token in beside)


def _beside(tokens: Sequence[Token], at: int) -> list[Token]:
    return [tokens[index] for index in (at - 1, at + 1) if 0 <= index < len(tokens)]
