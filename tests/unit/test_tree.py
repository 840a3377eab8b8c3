"""The tree keeps the house rules that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest

LONG_MODULE_LINES = 300
# A module over 300 lines needs a reason.
LONG_MODULES = {
    "torwatch/report/datasette.py": "the description of every table, one after another; almost all of it is text",
    "torwatch/store/schema.py": "the tables, one after another; almost all of it is SQL",
    "torwatch/tor/service.py": "one tor, own or attached, whose start, watch and end share one state",
    "torwatch/parsing/skeleton_rows.py": "one search for repeated rows, its rules of thumb side by side",
}
LONG_TESTS = {
    "tests/integration/conftest.py": "one watched market, and all that tests do with it",
    "tests/integration/test_bad_input.py": "every kind of bad input with its one line, one after another",
    "tests/integration/test_forgetting.py": "one watched market with all that may hold a name, and every way to forget it",
    "tests/integration/test_mutations.py": "one eventful archive, and every way to alter it",
    "tests/integration/test_rebuild.py": "one watched archive, and everything that may befall it before it is rebuilt",
    "tests/tor/test_control.py": "one tor of the module, whose start is dear, for all that is asked of it",
    "tests/tor/soak_run.py": "one run: its markets, its faults, and the account of every snapshot that came due",
    "tests/unit/crawl/test_fetch.py": "one SOCKS port of the test's own for every answer that a request may meet",
    "tests/unit/demo/market/test_engines.py": "two engines held against the same questions",
    "tests/unit/demo/market/test_server.py": "the simulated market's manners, one request each",
    "tests/unit/normalise/test_country.py": "almost all of it is the table of strings",
    "tests/unit/normalise/test_quantity.py": "almost all of it is the table of strings",
    "tests/unit/test_alerting.py": "one desk of store, clock and stand-in tor, and a test for every rule of alerts",
}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "globals", "misc", "tools"}
# written so that the pattern does not find itself
INDEX_HOST = re.compile(
    r"pypi[.]org|python[h]osted|npmjs[.](?:org|com)|(?:deb|security)[.]debian[.]org|crates[.]io|--(?:extra-)?index-ur[l] "
)
MACHINE_PATH = re.compile(r"(?<![\w.~}/-])/(?:work|root|home/[a-z]\w*|Users)/[\w.]")
OTHER_LOCKS = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock"}


@pytest.fixture(scope="module")
def files(checkout):
    """Every file of the project that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=checkout, capture_output=True, text=True, check=False
    )
    names = listed.stdout.split("\0") if listed.returncode == 0 else [str(path.relative_to(checkout)) for path in checkout.rglob("*")]
    found = [checkout / name for name in names if name and ".venv" not in name and (checkout / name).is_file()]
    assert checkout / "pyproject.toml" in found
    return found


@pytest.fixture(scope="module")
def texts(files):
    read = {}
    for path in files:
        try:
            read[path] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return read


@pytest.fixture(scope="module")
def modules(texts, checkout):
    found = {path: text for path, text in texts.items() if path.suffix == ".py" and path.is_relative_to(checkout / "torwatch")}
    assert len(found) > 10
    return found


def lines_with(pattern, texts, checkout):
    return [
        f"{path.relative_to(checkout)}:{number}: {line.strip()[:100]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_the_host_of_a_package_index(texts, checkout):
    assert lines_with(INDEX_HOST, texts, checkout) == []


def test_no_file_holds_a_path_of_one_machine(texts, checkout):
    assert lines_with(MACHINE_PATH, texts, checkout) == []


def test_there_is_one_kind_of_lock_file(files):
    assert [path.name for path in files if path.name in OTHER_LOCKS] == []


def test_every_lock_has_a_hash_for_every_package(checkout):
    locks = sorted((checkout / "requirements").glob("*.txt"))
    assert [lock.name for lock in locks] == ["bench.txt", "build.txt", "dev.txt", "runtime.txt"]
    for lock in locks:
        packages = re.split(r"^(?=[a-z0-9])", lock.read_text(encoding="utf-8"), flags=re.MULTILINE | re.IGNORECASE)[1:]
        assert len(packages) > 5
        for package in packages:
            assert re.match(r"[\w.-]+==\S+ ", package), package[:60]
            assert "--hash=sha256:" in package, package[:60]


def test_the_deployed_versions_are_the_tested_ones(checkout):
    versions = {
        lock.stem: set(re.findall(r"^([\w.-]+==\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
        for lock in (checkout / "requirements").glob("*.txt")
    }
    assert versions["runtime"] <= versions["dev"]
    assert versions["build"] <= versions["dev"]


def test_every_module_says_first_what_it_is(modules, checkout):
    silent = [str(path.relative_to(checkout)) for path, text in modules.items() if text.strip() and not ast.get_docstring(ast.parse(text))]
    assert silent == []


def test_no_module_has_a_vague_name(modules, checkout):
    vague = [path for path in modules if VAGUE_NAMES & {part.removesuffix(".py") for part in path.relative_to(checkout).parts}]
    assert vague == []


def test_a_long_module_has_a_reason(modules, checkout):
    long = {str(path.relative_to(checkout)) for path, text in modules.items() if len(text.splitlines()) > LONG_MODULE_LINES}
    assert long - set(LONG_MODULES) == set(), "split it, or give the reason in LONG_MODULES"
    assert set(LONG_MODULES) - long == set(), "no longer long: take it out of LONG_MODULES"


def test_a_long_test_module_has_a_reason(texts, checkout):
    ours = {str(path.relative_to(checkout)): text for path, text in texts.items() if path.suffix == ".py"}
    long = {name for name, text in ours.items() if name.startswith("tests/") and len(text.splitlines()) > LONG_MODULE_LINES}
    assert long == set(LONG_TESTS), "split it, or give the reason in LONG_TESTS; what is no longer long needs none"


def test_every_suppression_says_why(texts, checkout):
    bare = re.compile(r"#\s*(?:noqa(?!: [A-Z0-9, ]+(?: -|  #) \S)|type: ignore(?!\[[\w, -]+\]\s+# \S))")
    ours = {path: text for path, text in texts.items() if path.suffix == ".py" and path.name != "test_tree.py"}
    assert lines_with(bare, ours, checkout) == []
