"""The documents say what the program does: every command, every option, every key, and no command that is not there."""

from __future__ import annotations

import ast
import re
import shlex

import click
import pytest

from torwatch.cli import COMMANDS, SHORT_HELP, torwatch
from torwatch.cli.reference import REFERENCES, walk_commands
from torwatch.config import config_keys
from torwatch.model import Outcome

FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^(?:\$\s+)?(?:sudo\s+(?:-u\s+\w+\s+)?)?(?:\.venv/bin/|/\S*/bin/)?(torwatch|make)((?:\s.*)?)$")


@pytest.fixture(scope="module")
def documents(checkout):
    found = sorted(path for path in [*checkout.glob("*.md"), *checkout.glob("docs/**/*.md")])
    assert checkout / "README.md" in found
    return found


@pytest.fixture(scope="module")
def commands_in_documents(documents, checkout):
    """(where, "torwatch" or "make", the rest of the line) for every command in a code block."""
    found = []
    for path in documents:
        for block in FENCE.findall(path.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                matched = COMMAND.match(line.strip())
                if matched:
                    found.append((str(path.relative_to(checkout)), matched[1], matched[2]))
    return found


@pytest.mark.parametrize("name", REFERENCES)
def test_the_reference_is_what_the_program_says_now(checkout, name):
    path = checkout / "docs" / name
    assert path.read_text(encoding="utf-8") == REFERENCES[name](), f"docs/{name} is out of date: make docs"


def test_every_command_and_every_option_is_in_the_documents(checkout):
    text = (checkout / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = {heading.strip(): body for heading, _, body in (part.partition("\n") for part in text.split("\n## ")[1:])}
    commands = dict(walk_commands(torwatch))
    assert len(commands) > 10
    for path, command in commands.items():
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) and not parameter.hidden else ():
                assert option in sections[" ".join(path)], f"{' '.join(path)} {option}"


def test_every_configuration_key_is_in_the_documents(checkout):
    text = (checkout / "docs" / "configuration.md").read_text(encoding="utf-8")
    keys = config_keys()
    assert keys
    for key in keys:
        assert f"| `{key.path.rpartition('.')[2]}` |" in text, key.path


def test_every_outcome_is_in_the_guide_with_what_to_do(checkout):
    text = (checkout / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE))
    assert [outcome.value for outcome in Outcome if outcome.value not in rows] == []


def test_no_help_shows_the_mark_of_its_paragraphs():
    for path, command in walk_commands(torwatch):
        assert "\\b" not in (command.help or ""), f"{' '.join(path)}: a raw docstring cannot hold click's backspace"


def test_every_command_has_help_and_every_option_says_what_it_does():
    for path, command in walk_commands(torwatch):
        assert command.help, " ".join(path)
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.help, f"{' '.join(path)} {parameter.opts[0]}"


def test_every_command_has_its_line_in_the_overview():
    assert set(SHORT_HELP) == set(COMMANDS)


def test_every_command_that_lists_can_print_json():
    lists = [(path, command) for path, command in walk_commands(torwatch) if path[-1] == "list"]
    assert lists
    for path, command in lists:
        assert any("--json" in parameter.opts for parameter in command.params), " ".join(path)


def test_the_commands_in_the_documents_exist(commands_in_documents):
    shown = [found for found in commands_in_documents if found[1] == "torwatch" and not found[0].endswith("docs/cli.md")]
    assert any(where == "README.md" for where, _, _ in shown)
    faults = [f"{where}: torwatch{line}: {fault}" for where, _, line in shown if (fault := fault_in(line))]
    assert faults == []


def test_the_make_targets_in_the_documents_exist(checkout, commands_in_documents):
    targets = set(re.findall(r"^([a-z-]+):", (checkout / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = [(where, line) for where, program, line in commands_in_documents if program == "make"]
    assert shown
    for where, line in shown:
        named = {word for word in shlex.split(line, comments=True) if re.fullmatch(r"[a-z-]+", word)}
        assert named <= targets, f"{where}: make{line}"


def test_every_relative_link_leads_to_a_file(documents):
    links = [(path, target) for path in documents for target in LINK.findall(path.read_text(encoding="utf-8"))]
    relative = [(path, target.partition("#")[0]) for path, target in links if not re.match(r"\w+:|#", target)]
    assert [f"{path.name}: {target}" for path, target in relative if target and not (path.parent / target).exists()] == []


def fault_in(line):
    """Walk the words of a shown command through the click tree; say what click would refuse, or nothing."""
    words = shlex.split(re.split(r"\s[|>&;]", line.replace("…", " "))[0], comments=True)
    command, name = torwatch, "torwatch"
    while True:
        context = click.Context(command, info_name=name)
        try:
            _, left, _ = command.make_parser(context).parse_args(args=words)
        except click.UsageError as error:
            return error.format_message()
        if not isinstance(command, click.Group) or not left:
            return f"{left[0]!r} is one too many" if left else None
        name, *words = left
        inner = command.get_command(context, name)
        if inner is None:
            return f"there is no command {name}"
        command = inner


def test_every_fault_in_the_table_is_provoked_by_a_test(checkout, fault_table):
    rows = fault_table((checkout / "docs" / "operations.md").read_text(encoding="utf-8"))
    sources = "".join(path.read_text(encoding="utf-8") for path in (checkout / "tests").rglob("test_*.py"))
    assert len(rows) > 10
    assert [done for done in rows if f'"{done}"' not in sources] == []


LITERAL = 12  # letters of an f-string that are its own: fewer would match any row
TABLES_OF_FAULTS = ("faults of the machine", "hostile input", "faults")


def strings_of(path):
    """Every string that stands in a test module, as a pattern: what an f-string fills in may be anything."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 2:
            yield re.escape(node.value)
        if isinstance(node, ast.JoinedStr) and sum(len(part.value) for part in node.values if isinstance(part, ast.Constant)) >= LITERAL:
            yield "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in node.values)


def test_every_row_of_the_tables_of_faults_is_of_a_test_and_loses_nothing(checkout):
    speaking = [
        path
        for path in (checkout / "tests").rglob("test_*.py")
        if re.search(r"\b(provoked|record_fault|record_attack)\(", path.read_text())
    ]
    assert len(speaking) >= 3
    patterns = {pattern for path in speaking for pattern in strings_of(path)}
    document = (checkout / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in TABLES_OF_FAULTS:
        table = document.split(f"<!-- {name}: written by `make faults` -->")[1].split(f"<!-- end of {name} -->")[0]
        rows = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
        assert rows
        stale = [first for first, *_ in rows if not any(re.fullmatch(pattern, first) for pattern in patterns)]
        assert stale == [], "no test provokes this any more: take the row out of docs/operations.md"
        if name == "faults of the machine":
            assert {last for *_, last in rows} == {"0"}
