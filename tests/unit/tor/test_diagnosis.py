import datetime as dt

import pytest
import stem.response

from torwatch.tor.diagnosis import ENTRIES_PER_ONION, ONIONS, DiagnosisLog

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LABEL = "a" * 55 + "d"
RELAY = "$" + "A" * 40 + "~r1"
ONION = f"{LABEL}.onion"


def event(text):
    return stem.response.ControlMessage.from_str(f"650 {text}\r\n", "EVENT")


def log_of(*texts):
    log = DiagnosisLog(lambda: NOW)
    for text in texts:
        log.record(event(text))
    return log


@pytest.mark.parametrize(
    "text",
    [
        f"HS_DESC FAILED {LABEL} NO_AUTH {RELAY} abc REASON=NOT_FOUND",
        f"STREAM 12 FAILED 3 {ONION}:80 REASON=RESOLVEFAILED",
        f"STREAM 12 FAILED 3 www.{ONION.upper()}:80 REASON=RESOLVEFAILED",
        f"CIRC 7 CLOSED {RELAY} PURPOSE=HS_CLIENT_INTRO HS_STATE=HSCI_DONE REND_QUERY={LABEL} REASON=DESTROYED",
        f'STATUS_CLIENT WARN SOCKS_BAD_HOSTNAME HOSTNAME="{ONION}"',
    ],
)
def test_an_event_is_kept_under_the_onion_it_is_about(text):
    (entry,) = log_of(text).about(ONION)
    assert entry.at == NOW
    assert text.split()[0] == entry.kind
    assert entry.text == text.replace("$" + "A" * 40 + "~", "")


@pytest.mark.parametrize(
    "text",
    [
        f"STREAM 12 SUCCEEDED 3 {ONION}:80",
        "STREAM 12 FAILED 3 example.com:80 REASON=RESOLVEFAILED",
        f"CIRC 7 CLOSED {RELAY} PURPOSE=GENERAL REASON=DESTROYED",
        f"CIRC 7 EXTENDED {RELAY} PURPOSE=HS_CLIENT_INTRO HS_STATE=HSCI_CONNECTING REND_QUERY={LABEL}",
        f"HS_DESC UPLOADED UNKNOWN NO_AUTH {RELAY}",
    ],
)
def test_what_tells_nothing_about_an_onion_is_left_out(text):
    log = log_of(text)
    assert log.about(ONION) == ()
    assert log.about() == ()


def test_an_event_about_tor_itself_is_kept_under_no_onion():
    assert log_of("STATUS_CLIENT NOTICE CIRCUIT_NOT_ESTABLISHED REASON=CLOCK_JUMPED").about()[0].kind == "STATUS_CLIENT"


def test_the_log_is_bounded_for_one_onion_and_in_all():
    log = log_of(*(f"STREAM {n} FAILED 3 {ONION}:80 REASON=TIMEOUT" for n in range(ENTRIES_PER_ONION + 5)))
    assert len(log.about(ONION)) == ENTRIES_PER_ONION
    assert log.about(ONION)[0].text.startswith("STREAM 5 ")
    for n in range(ONIONS):
        log.record(event(f"STREAM 1 FAILED 3 x{n}.onion:80 REASON=TIMEOUT"))
    assert log.about(ONION) == ()
    assert log.about("x0.onion") != ()


def test_the_password_that_keeps_targets_apart_is_not_kept():
    (entry,) = log_of(f'STREAM 1 FAILED 3 {ONION}:80 REASON=TIMEOUT SOCKS_USERNAME="tea" SOCKS_PASSWORD="se\\"cret" NYM_EPOCH=0').about(
        ONION
    )
    assert entry.text == f"STREAM 1 FAILED 3 {ONION}:80 REASON=TIMEOUT NYM_EPOCH=0"


def test_a_control_character_in_an_event_is_not_kept():
    log = log_of(f'STATUS_CLIENT WARN SOCKS_BAD_HOSTNAME HOSTNAME="\x1b[31m{ONION}"', 'STATUS_CLIENT NOTICE X A="\x1b"')
    assert all(entry.text.isprintable() for host in ("", ONION, f"\x1b[31m{ONION}") for entry in log.about(host))
    assert log.about()
