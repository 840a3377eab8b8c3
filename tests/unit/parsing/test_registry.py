from __future__ import annotations

import pytest

from torwatch.errors import ParserError, UsageError
from torwatch.model import Evidence, PageKind
from torwatch.parsing.registry import bundled_folder, check_directory, find_parsers, load_all, load_parser


def test_the_bundled_parsers_are_found_and_load():
    places = find_parsers()
    assert {"empire", "dream"} <= set(places)
    for name in ("empire", "dream"):
        parser = load_parser(name)
        assert (parser.name, parser.door, parser.archived) == (name, "bundled", False)
        assert parser.evidence[PageKind.LISTING] is Evidence.PAGE


def test_an_analysts_parser_hides_the_bundled_one_of_the_same_name(tmp_path, make):
    make.folder(tmp_path / "mine", name="dream")
    assert find_parsers([tmp_path / "mine"])["dream"].door == "directory"
    assert load_parser("dream", [tmp_path / "mine"]).market.title == "Tea Bazaar"
    assert find_parsers()["dream"].door == "bundled"


def test_a_parser_may_be_one_file(tmp_path, make):
    folder = make.folder(tmp_path / "mine", name="tea")
    single = tmp_path / "mine" / "pot.py"
    single.write_text((folder / "parser.py").read_text().replace('"tea"', '"pot"'))
    single.chmod(0o644)
    assert set(find_parsers([tmp_path / "mine"])) > {"tea", "pot"}
    assert load_parser("pot", [tmp_path / "mine"]).path == single


def test_archived_parsers_are_found_behind_the_others(tmp_path, make, monkeypatch):
    make.folder(tmp_path, name="tea")
    make.folder(tmp_path / "_archived", name="tea")
    make.folder(tmp_path / "_archived", name="old_tea")
    monkeypatch.setattr("torwatch.parsing.registry.bundled_folder", lambda: tmp_path)
    places = find_parsers()
    assert (places["tea"].archived, places["old_tea"].archived) == (False, True)


def test_an_unknown_name_is_a_usage_error_with_the_near_names():
    with pytest.raises(UsageError, match="no parser is called 'empier': did you mean empire"):
        load_parser("empier")
    with pytest.raises(UsageError, match="torwatch parser list"):
        load_parser("zzzzzz")
    with pytest.raises(UsageError, match=r"your own is found in the folders that parsing\.directories or --directory names"):
        load_parser("zzzzzz")


def test_a_dash_counts_as_an_underscore(tmp_path, make):
    make.folder(tmp_path / "mine", name="tea_bazaar")
    assert load_parser("tea-bazaar", [tmp_path / "mine"]).name == "tea_bazaar"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_that_name", "parser tea does not load: ModuleNotFoundError"),
        ("syntax error here", "does not load: SyntaxError"),
        ("MARKET = 1", r"needs MARKET \(a Market\) and parse\(page\)"),
        ("from torwatch.parserkit import Market\nMARKET = Market('other')\ndef parse(page): ...", "the names must agree"),
    ],
)
def test_a_parser_that_does_not_load_is_one_clear_error(tmp_path, make, source, message):
    make.folder(tmp_path / "mine", name="tea", source=source)
    with pytest.raises(ParserError, match=message):
        load_parser("tea", [tmp_path / "mine"])


def test_the_digest_follows_the_sources_and_the_engine_family(tmp_path, make):
    before = make.parser(tmp_path / "mine").digest
    assert make.parser(tmp_path / "mine").digest == before
    assert make.parser(tmp_path / "mine", body="# changed").digest != before
    (tmp_path / "mine" / "tea_bazaar" / "more.py").write_text("A = 1\n")
    assert make.parser(tmp_path / "mine").digest != before
    assert [one.name for one in load_parser("empire").sources] == ["parser.py", "empire.py"]


@pytest.mark.parametrize("bad", ["", "tea_bazaar", "tea_bazaar/parser.py"])
def test_a_directory_that_others_can_write_to_is_refused(tmp_path, make, bad):
    make.folder(tmp_path / "mine")
    check_directory(tmp_path / "mine")
    target = tmp_path / "mine" / bad
    target.chmod(target.stat().st_mode | 0o020)
    with pytest.raises(UsageError, match=r"is refused: others can write to .*chmod -R go-w"):
        find_parsers([tmp_path / "mine"])


def test_a_directory_below_one_that_others_can_write_to_is_refused(tmp_path, make):
    make.folder(tmp_path / "open" / "mine")
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UsageError, match="which holds it"):
        check_directory(tmp_path / "open" / "mine")


def test_a_directory_that_does_not_exist_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        find_parsers([tmp_path / "nowhere"])


def test_the_bundled_folder_is_the_checkout_or_the_installed_one():
    assert (bundled_folder() / "empire" / "parser.py").is_file()


def test_a_parser_of_an_installed_package_comes_through_its_entry_point(tmp_path, make, monkeypatch):
    make.folder(tmp_path / "mine", name="teapot")
    site = tmp_path / "site"
    (site / "theirs-1.0.dist-info").mkdir(parents=True)
    (site / "theirs-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (site / "theirs-1.0.dist-info" / "entry_points.txt").write_text(
        "[torwatch.parsers]\nteapot = their_teapot\nbroken = no_such_module_of_theirs\n"
    )
    (site / "their_teapot.py").write_bytes((tmp_path / "mine" / "teapot" / "parser.py").read_bytes())
    monkeypatch.syspath_prepend(site)
    parser = load_parser("teapot")
    assert (parser.door, parser.path.name) == ("entry-point", "their_teapot.py")
    assert load_parser("teapot", [tmp_path / "mine"]).door == "directory"
    with pytest.raises(ParserError, match="broken does not load: ModuleNotFoundError"):
        load_parser("broken")


def test_all_parsers_that_load_are_given_and_a_broken_one_hides_none(tmp_path, make):
    make.folder(tmp_path / "mine", name="teapot")
    make.folder(tmp_path / "mine", name="broken", source="1/0")
    names = [parser.name for parser in load_all([tmp_path / "mine"])]
    assert {"teapot", "empire", "dream"} <= set(names)
    assert "broken" not in names
