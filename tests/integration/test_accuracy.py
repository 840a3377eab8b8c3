"""A small slice of `make accuracy`: few seeds of the smallest market under every regime; the bars themselves need the 200."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys

import pytest

from torwatch.measure.estimate import Estimate, Refusal

SEEDS = 8


@pytest.fixture(scope="module")
def accuracy(checkout):
    spec = importlib.util.spec_from_file_location("accuracy_of_estimates", checkout / "tests" / "bench" / "accuracy.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses ask for the module of their class
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(checkout / "tests" / "bench")  # as for a script of that folder
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runs(accuracy):
    small = accuracy.MODELS[0]
    return {regime.name: [accuracy.watch(small, regime, seed) for seed in range(SEEDS)] for regime in accuracy.REGIMES}


def test_a_level_holds_the_truth_or_is_refused_with_its_reason(runs, accuracy):
    for name, seeds in runs.items():
        held = [accuracy.within(run.level, run.truth) for run in seeds if isinstance(run.level, Estimate)]
        assert sum(held) >= len(held) - 1, name
        assert all(run.level.reason for run in seeds if isinstance(run.level, Refusal)), name
    assert all(isinstance(run.level, Estimate) for run in runs["with pass B"])
    assert all(isinstance(run.level, Refusal) for run in [*runs["one snapshot"], *runs["weekly, 30 % of pages"]])


def test_no_regime_gives_a_level_without_its_coverage(runs):
    for name, seeds in runs.items():
        for run in seeds:
            if isinstance(run.level, Estimate):
                assert isinstance(run.gauge, Estimate), name
                assert run.seen > 0


def test_the_share_holds_the_one_from_which_the_market_is_drawn(runs, accuracy):
    every = [accuracy.within(run.share, accuracy.DUTCH_SHARE) for seeds in runs.values() for run in seeds]
    assert len(every) > 60
    assert sum(every) >= 0.85 * len(every)


def test_every_rule_of_refusal_refuses(accuracy):
    found = accuracy.refusals()
    assert len(found) > 15
    assert [rule for rule, outcome in found.items() if not isinstance(outcome, Refusal)] == []


def test_a_missed_bar_is_told(accuracy, runs):
    run = runs["with pass B"][0]
    wrong = [dataclasses.replace(run, truth=run.truth * 2)]
    assert "MISSED" in accuracy.judge(accuracy.MODELS[0], accuracy.REGIMES[5], wrong).text
