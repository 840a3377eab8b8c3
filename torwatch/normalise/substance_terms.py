"""The vocabulary of substances and goods, compiled to one matcher: a title in, the terms it names out, phrases before words."""

from __future__ import annotations

import dataclasses
import html
import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from pathlib import Path

from torwatch.normalise.text import fold_for_matching

_TABLE = Path(__file__).with_name("data") / "substance_terms.toml"
_MAXIMUM_CHARACTERS = 400  # a title that is longer repeats itself; bounds the time
_MAXIMUM_KEY_TOKENS = 9  # tokens of the longest name; bounds the look-ahead
_TOKEN = re.compile(r"([^a-z0-9]*)([a-z]+|[0-9]+)")
_WORD_KEY = re.compile(r"[^a-z0-9]+")
_BREAK = re.compile(r"[^\w\s.,'&+%#-]|\s[-_]+\s|_")  # what parts a title into segments
_PLAIN_GAPS = frozenset(("", " ", "-", ".", ",", ", ", "'", "/"))  # the usual ones, to spare the search
_MICRO = str.maketrans({"µ": "u", "μ": "u"})  # before folding, which takes the sign for a letter m
_BRACES = re.compile(r"[{}]")
_SHORT = 3  # shorter names say too little alone: they never count more than a context word
_MISSPELT_LETTERS = 8  # names at least this long are recognised with one letter wrong, missing, extra or two swapped
_STEM_LETTERS = 7  # words at least this long are asked for their stem
WEIGHTS = {"form": 14.0, "decisive": 10.0, "strong": 7.5, "supporting": 4.5, "hint": 3.0, "context": 2.0}
_MISSPELT_FACTOR = 0.8


@dataclass(frozen=True, slots=True)
class Term:
    """One reading of a name: the group it speaks for (or a "+modifier") and how strongly; `drug` overrides the group's own answer."""

    group: str
    weight: float
    drug: bool | None
    spaced: bool  # written in several words, so blanks inside it are no accident


@dataclass(frozen=True, slots=True)
class Tokens:
    """The runs of letters and of digits of a folded title; three lists of one length."""

    texts: list[str]
    segments: list[int]  # titles are parted by brackets, bars, stars …
    blanks: list[bool]  # a blank stands before it


@dataclass(frozen=True, slots=True)
class Match:
    """A name found: tokens `start` to `end` (exclusive) of the title."""

    key: str
    start: int
    end: int
    terms: tuple[Term, ...]  # a modifier stands first


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The compiled table. Keys are names without separators, so "4-MMC", "4 mmc" and "4MMC" are one."""

    version: str
    names: dict[str, tuple[Term, ...]]
    beginnings: frozenset[str]  # of the names, whole ones and plurals included, to stop looking ahead
    suffixes: dict[str, tuple[Term, ...]]
    prefixes: dict[str, tuple[Term, ...]]
    misspellings: dict[str, str]  # a long name with one letter left out → the name
    rules: dict[tuple[str, str], str]  # (group, modifier) → group


def squeeze(text: str) -> str:
    """Give letters and digits of a text only, folded: the form in which names are compared."""
    return _WORD_KEY.sub("", fold_for_matching(text.translate(_MICRO)))


def tokenise(title: str) -> Tokens:
    """Part a title into runs of letters and of digits; what stands between them parts it into segments. Reads 400 characters at most."""
    text = title[:_MAXIMUM_CHARACTERS]
    if "&" in text:
        text = html.unescape(text)
    text = text.lower() if text.isascii() else fold_for_matching(text.translate(_MICRO))
    found = _TOKEN.findall(text)
    gaps = [gap for gap, _ in found]
    texts = [token for _, token in found]
    return Tokens(texts, _number_segments(gaps), [" " in gap for gap in gaps])


def _number_segments(gaps: list[str]) -> list[int]:
    """The number of the segment of each token, from what stands before it."""
    segment, segments = 0, []
    for at, gap in enumerate(gaps):
        if at and gap not in _PLAIN_GAPS and _parts(gap):
            segment += 1
        segments.append(segment)
    return segments


@lru_cache(maxsize=4096)
def _parts(gap: str) -> bool:
    return _BREAK.search(gap) is not None


def find_terms(tokens: Tokens, vocabulary: Vocabulary) -> list[Match]:
    """Find the names in a title from left to right, the longest first at each place; a name is never part of two matches."""
    matches: list[Match] = []
    beginnings = vocabulary.beginnings
    position = 0
    following = [*tokens.texts[1:], "-"]  # no name goes on with "-"
    for start, text in enumerate(tokens.texts):
        if start < position:
            continue
        match = _longest(tokens, start, vocabulary) if text + following[start] in beginnings else None
        if match is None and (alone := _name_alone(text)) is not None:
            match = Match(alone[0], start, start + 1, alone[1])
        if match is not None:
            matches.append(match)
            position = match.end
    return matches


def _longest(tokens: Tokens, start: int, vocabulary: Vocabulary) -> Match | None:
    names, beginnings, texts = vocabulary.names, vocabulary.beginnings, tokens.texts
    best: Match | None = None
    key = texts[start]
    last = min(len(texts), start + _MAXIMUM_KEY_TOKENS)
    end = start + 1
    while key in beginnings:
        found = names.get(key)
        if found is not None and (end == start + 1 or _joins(tokens, start, end, found)):
            best = Match(key, start, end, found)
        elif key[-1] == "s" and len(key) > _SHORT:
            found = names.get(key[:-1])
            if found is not None and (end == start + 1 or _joins(tokens, start, end, found)):
                best = Match(key, start, end, found)
        if end >= last:
            break
        key += texts[end]
        end += 1
    return best


def _joins(tokens: Tokens, start: int, end: int, terms: tuple[Term, ...]) -> bool:
    """Say whether tokens may be read as one name: blanks only where the name has them, between figures and letters, or between single letters."""
    if terms[0].spaced:
        return True
    return all(
        not blank or before.isdigit() != after.isdigit() or len(before) == len(after) == 1
        for (before, after), blank in zip(pairwise(tokens.texts[start:end]), tokens.blanks[start + 1 : end], strict=True)
    )


@lru_cache(maxsize=32_768)
def _name_alone(word: str) -> tuple[str, tuple[Term, ...]] | None:
    """The name that a word is or holds, and its terms; remembered, since titles use the same words again and again."""
    vocabulary = load_vocabulary()
    found = vocabulary.names.get(word)
    if found is None and word[-1] == "s" and len(word) > _SHORT:
        found = vocabulary.names.get(word[:-1])
    if found is not None:
        return word, found
    return _by_stem(word, vocabulary) if len(word) >= _STEM_LETTERS and not word.isdigit() else None


def _by_stem(word: str, vocabulary: Vocabulary) -> tuple[str, tuple[Term, ...]] | None:
    for size in range(len(word), _SHORT, -1):
        terms = vocabulary.suffixes.get(word[-size:])
        if terms:
            return word, terms
    for size in range(_STEM_LETTERS + 1, 4, -1):
        terms = vocabulary.prefixes.get(word[:size])
        if terms:
            return word, terms
    if len(word) >= _MISSPELT_LETTERS - 1:
        name = _correct(word, vocabulary.misspellings)
        if name is not None:
            return name, tuple(_weakened(term) for term in vocabulary.names[name])
    return None


def _correct(word: str, misspellings: dict[str, str]) -> str | None:
    """Give the long name that this is with one letter wrong, missing or extra, or two neighbours swapped; None where there is none."""
    name = misspellings.get(word)
    if name is not None:
        return name
    if len(word) < _MISSPELT_LETTERS:
        return None
    for left_out in range(1, len(word)):  # the first letter is taken to be right
        name = misspellings.get(word[:left_out] + word[left_out + 1 :])
        if name is not None and name[0] == word[0]:
            return name
    return None


def _weakened(term: Term) -> Term:
    return Term(term.group, term.weight * _MISSPELT_FACTOR, term.drug, term.spaced)


@lru_cache(maxsize=1)
def load_vocabulary() -> Vocabulary:
    """Read and compile the table of terms, once."""
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    kinds: dict[str, dict[str, tuple[Term, ...]]] = {"word": {}, "suffix": {}, "prefix": {}}
    for entry in table["terms"]:
        target = kinds[entry.get("kind", "word")]
        for written in expand(entry["words"]):
            folded = fold_for_matching(written.translate(_MICRO))
            key = _WORD_KEY.sub("", folded)
            if not key:
                continue
            strength = "context" if len(key) < _SHORT else entry["strength"]
            term = Term(entry["group"], WEIGHTS[strength], entry.get("drug"), bool(_WORD_KEY.search(folded)))
            known = target.get(key, ())
            if term.spaced and known and not known[0].spaced:  # written both ways in the table: blanks are no accident
                target[key] = known = tuple(dataclasses.replace(other, spaced=True) for other in known)
            if all(other.group != term.group for other in known):
                target[key] = (term, *known) if term.group.startswith("+") else (*known, term)
    names = kinds["word"]
    return Vocabulary(
        version=table["version"],
        names=names,
        beginnings=frozenset(key[:size] for key in names for size in range(1, len(key) + 1)) | {key + "s" for key in names},
        suffixes=kinds["suffix"],
        prefixes=kinds["prefix"],
        misspellings=_misspellings(names),
        rules={(rule["group"], rule["with"]): rule["becomes"] for rule in table["rule"]},
    )


def expand(words: str) -> list[str]:
    """Part the words of an entry at commas; "{3|4} {f|c}ma" gives every combination, as systematic short names are made."""
    written: list[str] = []
    for word in words.split(","):
        parts = [part.split("|") if chosen else [part] for chosen, part in _alternatives(word)]
        written.extend("".join(choice) for choice in product(*parts))
    return written


def _alternatives(word: str) -> list[tuple[bool, str]]:
    return [(bool(number % 2), part) for number, part in enumerate(_BRACES.split(word))]


def _misspellings(names: dict[str, tuple[Term, ...]]) -> dict[str, str]:
    """Give every long one-word name with one letter left out; a word that would stand for two names is dropped."""
    result: dict[str, str] = {}
    for name, terms in names.items():
        if len(name) < _MISSPELT_LETTERS or not name.isalpha() or terms[0].spaced or terms[0].group.startswith("+"):
            continue
        if terms[0].group == "fraud-digital" or not WEIGHTS["strong"] <= terms[0].weight <= WEIGHTS["decisive"]:
            continue  # everyday words: a near miss is another word
        for left_out in range(1, len(name)):
            result.setdefault(name[:left_out] + name[left_out + 1 :], name)
        result.setdefault(name, name)
    return result
