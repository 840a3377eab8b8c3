"""The log is JSON for machines, readable for people, and holds no secret and no control character."""

from __future__ import annotations

import ast
import io
import json
import logging
import re

import pytest
import structlog

from torwatch.logs import set_up_logs


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def logged():
    def log(form="json", level="info", stream=None, **fields):
        stream = stream or io.StringIO()
        set_up_logs(level, form, stream)
        structlog.get_logger().info("something_done", **fields)
        return stream.getvalue()

    handlers, threshold = list(logging.getLogger().handlers), logging.getLogger().level
    yield log
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(threshold)
    structlog.reset_defaults()


def test_an_event_is_one_json_object_a_line_with_utc_time(logged):
    line = logged(market="tea", pages=3)
    event = json.loads(line)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert (event["event"], event["level"], event["market"], event["pages"]) == ("something_done", "info", "tea", 3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", event["timestamp"])


def test_a_terminal_gets_readable_lines_and_a_pipe_gets_json(logged):
    assert "something_done" in logged("auto", stream=Terminal())
    assert json.loads(logged("auto"))["event"] == "something_done"
    assert not logged("console").startswith("{")


@pytest.mark.parametrize("name", ["cookie", "Set-Cookie", "password", "api_key", "key", "token", "Authorization", "client_secret", "keys"])
def test_a_secret_is_redacted(logged, name):
    assert "hunter2" not in logged(**{name: "hunter2"})
    assert "hunter2" not in logged(headers={name: "hunter2"})
    assert "hunter2" not in logged(requests=[{"headers": {name: ["hunter2"]}}])


@pytest.mark.parametrize("name", ["monkey", "listing", "keyword", "tokens_left", "market"])
def test_what_only_sounds_like_a_secret_stays(logged, name):
    shown = logged(**{name: "visible"})
    assert ("visible" in shown) == (name != "tokens_left")


def test_a_body_is_only_its_size(logged):
    assert json.loads(logged(body=b"user=a&pass=b"))["body"] == "<13 bytes>"


@pytest.mark.parametrize("character", ["\x1b", "\n", "\r", "\u202e", "\u200b", "\x9b", "\u2028", "\x00"])
@pytest.mark.parametrize("form", ["json", "console"])
def test_control_characters_are_made_visible(logged, character, form):
    shown = logged(form, title=f"a{character}b").rstrip("\n")
    assert character not in shown
    assert repr(character).strip("'").replace("\\", "") in shown.replace("\\", "")


def test_an_exception_keeps_its_lines(logged):
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    try:
        raise ValueError("bad \x1b[31m thing")  # noqa: TRY301 - the traceback is what is tested
    except ValueError:
        structlog.get_logger().exception("something_failed")
    event = json.loads(stream.getvalue())
    assert "\n" in event["exception"]
    assert "\x1b" not in event["exception"]


def test_lesser_events_are_left_out(logged):
    assert logged(level="warning") == ""


def test_what_libraries_say_is_one_event_name(logged):
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    logging.getLogger("a.library").warning("Retrying %s", "now")
    assert json.loads(stream.getvalue())["event"] == "library_message"
    assert json.loads(stream.getvalue())["text"] == "Retrying now"


def test_setting_up_twice_logs_once(logged):
    stream = io.StringIO()
    set_up_logs("info", "json", stream)
    set_up_logs("info", "json", stream)
    logging.getLogger("a.library").warning("once")
    assert stream.getvalue().count("library_message") == 1


def test_every_event_in_the_program_is_a_snake_case_name(checkout):
    names = []
    for path in sorted((checkout / "torwatch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            is_log = isinstance(node.func.value, ast.Name) and node.func.value.id.strip("_").lower() in {"log", "logger"}
            if is_log and node.func.attr in {"debug", "info", "warning", "error", "exception"}:
                event = node.args[0]
                names.append((path.name, node.lineno, event.value if isinstance(event, ast.Constant) else None))
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", str(name[2] or ""))] == []


def test_a_library_that_lowers_its_own_level_is_held_back_and_tors_credentials_are_redacted():
    stream = io.StringIO()
    set_up_logs("debug", "json", stream)
    chatty = logging.getLogger("a.chatty.library")
    chatty.setLevel(logging.DEBUG)
    chatty.info("a full event")
    assert stream.getvalue() == ""
    chatty.warning('CIRC 4 CLOSED SOCKS_USERNAME="planted-user" SOCKS_PASSWORD="planted-socks" REASON=DESTROYED')
    assert "planted" not in stream.getvalue()
    assert "REASON=DESTROYED" in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_values_of_variables(form):
    stream = io.StringIO()
    set_up_logs("info", form, stream)
    password = "planted-" + str(len(form) * 7919)  # its value stands in no line of the source
    try:
        int(f"not a number, {len(password)}")
    except ValueError:
        structlog.get_logger().exception("snapshot_crashed")
    assert "Traceback" in stream.getvalue()
    assert password not in stream.getvalue()
