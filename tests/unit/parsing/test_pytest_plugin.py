from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture
def third_party(pytester, make):
    """Somebody else's folder of parsers, with one value that is wrong."""
    folder = make.folder(pytester.path / "theirs")
    make.fixture(folder, "item", make.item, {"path": "/item/7", "listings": [{"key": "7", "title": "Tea"}]})
    make.fixture(folder, "gone", "<p>This item was removed</p>", {"outcome": "gone"})
    make.fixture(folder, "wrong", make.item, {"listings": [{"title": "Coffee"}]})
    return folder


def test_every_value_of_every_page_is_one_test(pytester, third_party):
    result = pytester.runpytest_inprocess("-v", "--import-mode=importlib", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(
        ["*item.json::listing 1: title PASSED*", "*tea_bazaar/wrong.json: listing 1: title is 'Tea', not 'Coffee' (ok)*"]
    )


def test_an_ini_option_says_whose_parsers_are_tested(pytester, third_party):
    pytester.makeini("[pytest]\ntorwatch_parsers = elsewhere")
    assert pytester.runpytest_inprocess("-p", "no:cacheprovider").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    pytester.makeini("[pytest]\ntorwatch_parsers = theirs")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=7, failed=1)


def test_other_json_files_are_left_alone(pytester):
    (pytester.mkdir("expected") / "x.json").write_text("{}")
    assert pytester.runpytest_inprocess("-p", "no:cacheprovider").ret == pytest.ExitCode.NO_TESTS_COLLECTED
