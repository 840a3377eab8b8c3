import pytest

from torwatch.errors import TorError
from torwatch.tor.process import OwnTor, last_complaint
from torwatch.tor.settings import TorSettings


def test_the_last_line_that_names_a_cause_is_found():
    log = (
        "Nov 23 22:40:31.445 [notice] Tor 0.4.9.11 running\n"
        "Nov 23 22:40:31.445 [warn] Failed to parse/validate config: Unknown option 'NoSuchOption'.  Failing.\n"
        "Nov 23 22:40:31.445 [err] Reading config failed--see warnings above.\n"
    )
    assert last_complaint(log) == "Failed to parse/validate config: Unknown option 'NoSuchOption'.  Failing."


def test_a_log_without_complaints_gives_none():
    assert last_complaint("Nov 23 22:40:31.445 [notice] Bootstrapped 0% (starting): Starting\n[warn] You are running Tor as root.\n") == ""
    assert last_complaint("") == ""


def test_a_missing_tor_program_is_named_with_what_to_install(tmp_path):
    with pytest.raises(TorError, match=r"no tor program 'tor-that-is-absent' found: install tor \(apt-get install tor\)"):
        OwnTor(TorSettings(binary="tor-that-is-absent", data_directory=tmp_path)).start()


def test_a_tor_program_given_as_a_path_that_is_no_program_is_refused(tmp_path):
    program = tmp_path / "tor"
    program.write_text("not executable", encoding="ascii")
    with pytest.raises(TorError, match=r"no tor program .* or set tor.binary"):
        OwnTor(TorSettings(binary=str(program), data_directory=tmp_path)).start()


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="ascii")
    with pytest.raises(TorError, match="file/tor cannot be written"):
        OwnTor(TorSettings(binary="true", data_directory=tmp_path / "file" / "tor")).start()


def test_a_program_that_is_not_tor_ends_in_one_line(tmp_path):
    with pytest.raises(TorError, match="tor ended at once: it said nothing"):
        OwnTor(TorSettings(binary="true", data_directory=tmp_path)).start()


def test_stopping_what_never_started_does_nothing(tmp_path):
    tor = OwnTor(TorSettings(data_directory=tmp_path))
    tor.stop()
    assert tor.pid is None
    assert not tor.is_alive()
    assert tor.complaint() == ""
