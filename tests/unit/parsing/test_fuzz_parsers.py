"""Whatever bytes come: every parser gives a Parsed that can be stored, or ParserError, in time."""

from __future__ import annotations

import contextlib
import importlib.util
import random
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torwatch.errors import ParserError
from torwatch.model import Outcome
from torwatch.parsing.registry import bundled_folder
from torwatch.parsing.worker import ParserWorkers

SOAK_INPUTS = 110_000
CPU_SECONDS, WALL_SECONDS = 1, 6.0  # tighter than the daemon's, so that the worst pages cost a test a second
EVERY_TEST = 3  # horrors for each parser in every run, others for each; all of them in the soak
THROUGH_WORKER = 0.1  # share of the soak's inputs that go through a worker


def load_fuzzing():
    """The module beside this one: test folders are no packages."""
    spec = importlib.util.spec_from_file_location("torwatch_fuzzing", Path(__file__).with_name("fuzzing.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fuzzing = load_fuzzing()
NAMES = sorted(path.parent.name for path in bundled_folder().glob("*/parser.py"))


@pytest.fixture(scope="module")
def subjects():
    return fuzzing.find_subjects()


@pytest.fixture(scope="module")
def workers():
    with ParserWorkers(1, cpu_seconds=CPU_SECONDS, wall_seconds=WALL_SECONDS) as pool:
        yield pool


def test_every_parser_is_here(subjects):
    assert set(NAMES) <= set(subjects)
    assert len(NAMES) >= fuzzing.EXPECTED_PARSERS
    assert [name for name, subject in subjects.items() if not subject.pages] == []


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(
    body=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))),
    path=st.text(max_size=30),
)
def test_arbitrary_bytes_give_no_exception_but_the_parsers_own(subjects, name, body, path):
    with contextlib.suppress(ParserError):
        fuzzing.check_page(subjects[name], body, path)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_a_mutated_fixture_gives_no_exception_but_the_parsers_own(subjects, name, seed):
    hypothesis.assume(subjects[name].pages)
    body, path = fuzzing.mutate(random.Random(seed), subjects[name])
    with contextlib.suppress(ParserError):
        fuzzing.check_page(subjects[name], body, path)


@pytest.mark.parametrize("name", NAMES)
def test_some_horrors_are_over_in_time_in_the_worker(subjects, workers, name):
    first = NAMES.index(name) * EVERY_TEST
    meet_horrors(subjects[name], workers, name, lambda horrors: [horrors[(first + step) % len(horrors)] for step in range(EVERY_TEST)])


@pytest.mark.soak
@pytest.mark.parametrize("name", NAMES)
def test_all_horrors_are_over_in_time_in_the_worker(subjects, workers, name):
    meet_horrors(subjects[name], workers, name, lambda horrors: horrors)


def meet_horrors(subject, workers, name, choose):
    if not subject.pages:
        pytest.skip("no fixtures yet")
    body, path = max(subject.pages, key=lambda page: len(page[0]))
    for horror, hostile in choose(list(fuzzing.horrors(body).items())):
        started = time.monotonic()
        parsed = workers.parse(name, hostile, path=path, fetched_at=fuzzing.NOON)
        assert time.monotonic() - started < WALL_SECONDS + 5, horror
        fuzzing.check_parsed(subject, parsed)


@pytest.mark.soak
def test_a_hundred_thousand_hostile_pages(subjects, workers, tell_figure):
    chosen = random.Random(time.time_ns())
    seen, faults, outcomes = 0, {}, {}
    started = time.monotonic()
    with_pages = {name: subject for name, subject in subjects.items() if subject.pages}
    while seen < SOAK_INPUTS:
        for name, subject in with_pages.items():
            seed = chosen.getrandbits(48)
            body, path = fuzzing.mutate(random.Random(seed), subject)
            try:
                if chosen.random() < THROUGH_WORKER:
                    parsed = workers.parse(name, body, path=path, fetched_at=fuzzing.NOON)
                    fuzzing.check_parsed(subject, parsed)
                    outcome = parsed.outcome
                else:
                    outcome = fuzzing.check_page(subject, body, path)
            except ParserError as error:
                outcome = f"ParserError {name}: {error!s:.150}"
            except Exception as error:  # noqa: BLE001 - every other one is what is looked for, and all are wanted at the end
                faults[f"{name} {type(error).__name__}: {error!s:.200}"] = seed
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            seen += 1
    seconds = time.monotonic() - started
    ends = "".join(f"\n  {count:7d} {outcome}" for outcome, count in sorted(outcomes.items(), key=lambda item: -item[1]))
    tell_figure(
        f"{seen} hostile pages, {len(with_pages)} parsers, {seconds:.0f} s, {seen / seconds:.0f} a second, {workers.replaced} workers replaced{ends}"
    )
    assert not faults
    assert outcomes.get(Outcome.OK, 0) > seen / 20  # else the mutations only hit the gates
