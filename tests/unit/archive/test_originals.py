"""What the archive keeps by digest: parsers as they were, engine families included, and imported files."""

from __future__ import annotations

import gzip

import pytest

from torwatch.archive.originals import import_path, keep_import, keep_parser, layout_path, parser_folder
from torwatch.errors import ArchiveError
from torwatch.parsing.registry import digest_of, load_parser


@pytest.mark.parametrize("name", ["souk", "empire"])
def test_a_kept_parser_is_the_same_parser(tmp_path, name):
    parser = load_parser(name)
    folder = keep_parser(tmp_path, parser.name, parser.digest, parser.own_sources, parser.family_sources)
    assert folder == parser_folder(tmp_path, parser.digest)
    kept = load_parser(name, [folder])
    assert (kept.door, kept.digest, kept.market.facts) == ("directory", parser.digest, parser.market.facts)
    assert digest_of(kept.path) == parser.digest
    assert bool(kept.family_sources) == bool(parser.family_sources)


def test_a_kept_parser_works_with_the_engine_family_kept_with_it(tmp_path):
    parser = load_parser("empire")
    folder = keep_parser(tmp_path, parser.name, parser.digest, parser.own_sources, parser.family_sources)
    [family] = (folder / "engines").glob("*.py")
    family.write_text(family.read_text(encoding="utf-8") + "\nRAN = []\n", encoding="utf-8")
    kept = load_parser("empire", [folder])
    assert kept.digest != parser.digest
    used = {
        value.__module__ for value in vars(__import__("sys").modules["torwatch_parsers.empire"]).values() if hasattr(value, "__module__")
    }
    assert f"torwatch.parserkit.engines.{family.stem}" in used
    from torwatch.parserkit import engines  # noqa: PLC0415 - looked at after the parser was loaded

    assert not hasattr(getattr(engines, family.stem), "RAN")


def test_a_parser_of_one_file_is_kept_under_its_name(tmp_path):
    source = tmp_path / "mine.py"
    source.write_text("# a parser", encoding="utf-8")
    keep_parser(tmp_path / "archive", "mine", "0" * 64, [source], [])
    assert (parser_folder(tmp_path / "archive", "0" * 64) / "mine.py").read_text(encoding="utf-8") == "# a parser"


def test_what_is_kept_already_is_left(tmp_path):
    source = tmp_path / "mine.py"
    source.write_text("first", encoding="utf-8")
    folder = keep_parser(tmp_path / "archive", "mine", "0" * 64, [source], [])
    source.write_text("second", encoding="utf-8")
    keep_parser(tmp_path / "archive", "mine", "0" * 64, [source], [])
    assert (folder / "mine.py").read_text(encoding="utf-8") == "first"


def test_an_archive_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "_parsers").write_text("in the way", encoding="utf-8")
    (tmp_path / "_imports").write_text("in the way", encoding="utf-8")
    with pytest.raises(ArchiveError, match="cannot be kept"):
        keep_parser(tmp_path, "mine", "0" * 64, [tmp_path / "_parsers"], [])
    with pytest.raises(ArchiveError, match="cannot be kept"):
        keep_import(tmp_path, tmp_path / "_parsers", "1" * 64, "", "2" * 64)


def test_an_imported_file_is_kept_with_its_layout(tmp_path):
    file = tmp_path / "items.csv"
    file.write_text("title,price\ntea,3\n", encoding="utf-8")
    keep_import(tmp_path, file, "1" * 64, "title = 'x'", "2" * 64)
    assert gzip.decompress(import_path(tmp_path, "1" * 64).read_bytes()) == file.read_bytes()
    assert layout_path(tmp_path, "2" * 64).read_text(encoding="utf-8") == "title = 'x'"
