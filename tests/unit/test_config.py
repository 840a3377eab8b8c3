"""The configuration is checked whole, and the example is the defaults."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from torwatch.config import Config, config_keys, load_config, to_toml_value
from torwatch.errors import ConfigError

HOME = {"HOME": "/home-of-a-test"}


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def faults_of(path):
    with pytest.raises(ConfigError) as caught:
        load_config(path, HOME)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return caught.value.faults


def test_without_a_file_the_defaults_are_in_force():
    config = load_config(None, HOME)
    assert config.crawl.seconds_per_request == 5
    assert config.schedule.every == dt.timedelta(days=7)
    assert config.crawl.page_size_limit == 2_000_000


def test_the_example_loads_and_equals_the_defaults(checkout):
    example = load_config(checkout / "config.example.toml", HOME)
    assert example.model_dump() == load_config(None, HOME).model_dump()


def test_the_example_has_every_key(checkout):
    document = tomllib.loads((checkout / "config.example.toml").read_text(encoding="utf-8"))
    for key in config_keys():
        value = document
        for part in key.path.split("."):
            value = value[part]
        assert value == key.default, key.path


def test_every_key_has_a_description_and_a_unit():
    keys = config_keys()
    assert len(keys) > 30
    for key in keys:
        assert key.description.endswith("."), key.path
        assert key.kind, key.path


def test_every_fault_is_told_at_once_with_its_path(written):
    faults = faults_of(
        written("""
            [crawl]
            concurrency = 0
            read_timeout = "5 parsecs"
            page_size_limit = true
            [tor]
            mode = "borrow"
            control = "somewhere"
            torrc = ["one\\ntwo"]
            [serve]
            port = 99999
        """)
    )
    told = {fault.partition(":")[0] for fault in faults}
    assert told == {
        "crawl.concurrency",
        "crawl.read_timeout",
        "crawl.page_size_limit",
        "tor.mode",
        "tor.control",
        "tor.torrc.0",
        "serve.port",
    }
    assert not any("\n" in fault for fault in faults)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("data_directry = 'x'", "data_directry: unknown key; did you mean data_directory?"),
        ("[crawl]\nconect_timeout = '5s'", "crawl.conect_timeout: unknown key; did you mean crawl.connect_timeout?"),
        ("concurrency = 2", "concurrency: unknown key; did you mean crawl.concurrency?"),
        ("[nonsense]\na = 1", "nonsense: unknown key"),
        ("crawl = 5", "crawl: must be a table, not 5"),
        ("[crawl]\nconcurrency = true", "crawl.concurrency: should be a valid integer (is True)"),
        ("[crawl]\nseconds_per_request = nan", "crawl.seconds_per_request: should be a finite number (is nan)"),
        ("[tor]\nsocks = '/run/tor/socks'", "tor.socks: '/run/tor/socks' is not host:port"),
        ("[schedule]\nevery = '0s'", "schedule.every: '0s' is not more than no time at all"),
        ("[hold]\nmax_fall = 1.5", "hold.max_fall: should be less than or equal to 1 (is 1.5)"),
        (
            "[tor]\nsocks_timeout = '2m'",
            "tor.socks_timeout: must be below crawl.connect_timeout (90s), or the reason of a failure is lost",
        ),
    ],
)
def test_a_fault_says_what_is_wrong(written, text, fault):
    assert faults_of(written(text)) == (fault,)


@pytest.mark.parametrize("name", ["Cookie", "authorization", "Host"])
def test_a_secret_header_is_refused(written, name):
    (fault,) = faults_of(written(f"[crawl.headers]\n{name} = 'x'"))
    assert "cannot be set here" in fault


def test_control_characters_in_a_key_are_shown_escaped(written):
    (fault,) = faults_of(written('"a\\u001b[31m" = 1'))
    assert "\x1b" not in fault


def test_bad_toml_is_told_with_line_and_column(written):
    with pytest.raises(ConfigError, match=r"is not TOML: .*line 2, column"):
        load_config(written("[crawl]\nx = = 1"), HOME)


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "absent.toml", HOME)
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path, HOME)


def test_a_file_that_is_not_utf_8_is_one_clear_line(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match=r"not UTF-8 \(byte 5\)"):
        load_config(tmp_path / "config.toml", HOME)


def test_the_mark_that_some_editors_put_before_the_first_word_is_passed_over(tmp_path):
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[serve]\nport = 1\n")
    assert load_config(tmp_path / "config.toml", HOME).serve.port == 1


def test_the_option_goes_before_the_environment(written, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text("[serve]\nport = 1", encoding="utf-8")
    environ = HOME | {"TORWATCH_CONFIG": str(other)}
    assert load_config(None, environ).serve.port == 1
    assert load_config(written("[serve]\nport = 2"), environ).serve.port == 2


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"STATE_DIRECTORY": "/state:/second", "XDG_DATA_HOME": "/data"}, "/state"),
        ({"XDG_DATA_HOME": "/data"}, "/data/torwatch"),
        (HOME, "/home-of-a-test/.local/share/torwatch"),
    ],
)
def test_data_goes_where_the_system_says(environ, directory):
    config = load_config(None, environ)
    assert config.data_directory == Path(directory)
    assert config.database_path == Path(directory) / "torwatch.db"
    assert config.archive_directory == Path(directory) / "archive"
    assert config.tor_directory == Path(directory) / "tor"


def test_without_a_home_the_data_directory_must_be_set():
    with pytest.raises(ConfigError, match="HOME is not set"):
        load_config(None, {})


def test_relative_paths_are_relative_to_the_file(written):
    path = written("data_directory = 'data'\n[tor]\ncontrol_password_file = 'secret'\n[parsing]\ndirectories = ['~/mine', '/theirs']")
    config = load_config(path, HOME)
    assert config.data_directory == path.parent / "data"
    assert config.tor.control_password_file == path.parent / "secret"
    assert config.parsing.directories == (Path("/home-of-a-test/mine"), Path("/theirs"))


def test_the_order_of_headers_is_kept(written):
    config = load_config(written("[crawl.headers]\nZebra = '1'\nAardvark = '2'"), HOME)
    assert list(config.crawl.headers) == ["Zebra", "Aardvark"]


def test_the_configuration_is_frozen():
    config = load_config(None, HOME)
    with pytest.raises(ValueError, match="frozen"):
        config.serve = None


def test_values_are_written_as_the_file_writes_them():
    config = Config()
    assert to_toml_value(config.crawl.connect_timeout) == "90s"
    assert to_toml_value(config.crawl.page_size_limit) == "2MB"
    assert to_toml_value(config.tor.control_password_file) == ""
    assert to_toml_value(config.parsing.directories) == []


@pytest.mark.parametrize("hours", ["22:00-22:00", "24:00-06:00", "22-6", "22:00", "-"])
def test_hours_that_are_none_are_refused(written, hours):
    (fault,) = faults_of(written(f'[schedule]\nhours = "{hours}"'))
    assert fault == f"schedule.hours: '{hours}' is not two times of a day as in 22:00-06:00, or empty"


def test_rules_of_alerts_are_a_list_of_tables(tmp_path):
    file = tmp_path / "torwatch.toml"
    file.write_text('[alerts]\nrules = [{ name = "dutch", ship_from = ["NL"], price_below = 50 }]\n')
    (rule,) = load_config(file, {"HOME": "/nowhere"}).alerts.rules
    assert (rule.name, rule.ship_from, rule.price_below, rule.currency) == ("dutch", ("NL",), 50, "EUR")


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("{ ship_from = ['NL'] }", "alerts.rules.0.name: Field required"),
        ("{ name = 'a', ship_from = ['Netherlands'] }", "alerts.rules.0.ship_from.0: "),
        ("{ name = 'a', colour = 'red' }", "alerts.rules.0.colour: unknown key"),
        ("{ name = 'a', price_below = -1 }", "alerts.rules.0.price_below: "),
        ("{ name = 'a', price_above = nan }", "alerts.rules.0.price_above: "),
    ],
)
def test_a_faulty_rule_of_alerts_is_told_with_its_place(tmp_path, rule, fault):
    file = tmp_path / "torwatch.toml"
    file.write_text(f"[alerts]\nrules = [{rule}]\n")
    with pytest.raises(ConfigError) as raised:
        load_config(file, {"HOME": "/nowhere"})
    assert raised.value.faults[0].startswith(fault)
