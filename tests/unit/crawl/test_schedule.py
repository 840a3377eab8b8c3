"""When a target comes due: the laws of a pure function."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from torwatch.crawl.schedule import BACK_OFF_START, LONGEST_WAIT, Hours, Past, choose_due, due_at, share_of

NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)
SHARE_OF_ONE = 0.8777397469355463  # of target 1 at NOON
times = st.timedeltas(dt.timedelta(), dt.timedelta(days=7000)).map(lambda offset: NOON + offset)
intervals = st.timedeltas(dt.timedelta(minutes=1), dt.timedelta(days=400))
jitters = st.floats(0, 1)
targets = st.integers(1, 10**6)


def test_a_target_never_looked_at_is_due_at_once():
    assert due_at(1, WEEK, Past(), jitter=0.1, added_at=NOON) == NOON


@given(targets, intervals, times, jitters)
def test_a_snapshot_that_was_stopped_is_due_at_once(target, every, started, jitter):
    past = Past(last_started_at=started, running=True)
    assert due_at(target, every, past, jitter=jitter, added_at=NOON) == started


@given(targets, intervals, times, jitters)
def test_the_next_look_is_one_interval_away_give_or_take_the_jitter(target, every, started, jitter):
    due = due_at(target, every, Past(last_started_at=started, last_ended_at=started), jitter=jitter, added_at=NOON)
    assert abs(due - started - every) <= every * jitter + dt.timedelta(microseconds=1)
    assert due >= started


@given(targets, intervals, times, jitters)
def test_a_restart_plans_the_same_time(target, every, started, jitter):
    past = Past(last_started_at=started, last_ended_at=started)
    assert due_at(target, every, past, jitter=jitter, added_at=NOON) == due_at(target, every, past, jitter=jitter, added_at=NOON)


def test_targets_are_not_looked_at_in_step():
    past = Past(last_started_at=NOON, last_ended_at=NOON)
    assert len({due_at(target, WEEK, past, jitter=0.1, added_at=NOON) for target in range(50)}) == 50


def test_without_jitter_the_time_is_exact():
    past = Past(last_started_at=NOON, last_ended_at=NOON)
    assert due_at(1, WEEK, past, jitter=0, added_at=NOON) == NOON + WEEK


@given(targets, intervals, times, st.integers(1, 500))
def test_after_failures_the_pause_doubles_up_to_the_interval(target, every, ended, failures):
    def pause(number):
        past = Past(last_started_at=ended - dt.timedelta(hours=1), last_ended_at=ended, failures_in_a_row=number)
        return due_at(target, every, past, jitter=0.1, added_at=NOON) - ended

    assert pause(1) == min(every, BACK_OFF_START)
    assert pause(failures + 1) == min(every, pause(failures) * 2) or pause(failures) == every
    assert pause(failures) <= every


def test_a_failure_without_an_end_counts_from_its_start():
    past = Past(last_started_at=NOON, failures_in_a_row=1)
    assert due_at(1, WEEK, past, jitter=0.1, added_at=NOON) == NOON + BACK_OFF_START


@given(times, intervals, st.integers(1, 10**6), jitters)
def test_a_clock_that_ran_ahead_and_was_set_right_silences_no_target(now, every, target, jitter):
    past = Past(last_started_at=now + dt.timedelta(days=4000), last_ended_at=now + dt.timedelta(days=4000))
    due = due_at(target, every, past, jitter=jitter, added_at=NOON, now=now)
    assert due <= now + 3 * every or due == now


@given(times, intervals, st.integers(1, 10**6), jitters, st.timedeltas(dt.timedelta(hours=-2), dt.timedelta(hours=2)))
def test_a_jump_of_the_clock_moves_no_plan_that_is_sound(started, every, target, jitter, jump):
    past = Past(last_started_at=started, last_ended_at=started)
    if started <= started + jump + every:
        jumped = due_at(target, every, past, jitter=jitter, added_at=NOON, now=started + jump)
        assert jumped == due_at(target, every, past, jitter=jitter, added_at=NOON)


clock_times = st.times().map(lambda time: time.replace(tzinfo=None))


@given(clock_times, clock_times, times)
def test_the_next_opening_lies_within_the_hours_and_at_most_a_day_off(opens, shuts, at):
    if opens == shuts:
        return
    hours = Hours(opens, shuts)
    opening = hours.next_open(at)
    assert hours.hold(opening)
    assert dt.timedelta() <= opening - at < dt.timedelta(days=1)
    assert (opening == at) == hours.hold(at)


def test_hours_may_go_over_midnight():
    night = Hours(dt.time(22), dt.time(6))
    assert [night.hold(NOON.replace(hour=hour)) for hour in (21, 22, 0, 5, 6, 12)] == [False, True, True, True, False, False]


def test_outside_the_hours_nothing_begins():
    assert choose_due([(1, NOON)], NOON, 4, Hours(dt.time(22), dt.time(6))) == []


def test_whoever_waits_longest_begins_first():
    due = [(1, NOON), (2, NOON - WEEK), (3, NOON + WEEK), (4, NOON - 2 * WEEK)]
    assert choose_due(due, NOON, 2) == [4, 2]
    assert choose_due(due, NOON, 0) == []


@given(st.integers(2, 30), st.integers(1, 4))
def test_no_target_is_passed_over_for_good_however_busy_the_others_are(count, places):
    waiting = dict.fromkeys(range(count), NOON)
    begun = []
    for turn in range(count):
        now = NOON + (turn + 1) * dt.timedelta(minutes=10)
        for target in choose_due(waiting.items(), now, places):
            begun.append(target)
            waiting[target] = now  # it failed, and is due again at once
    assert set(begun) == set(range(count))


@given(targets, intervals, times, st.booleans(), st.timedeltas(dt.timedelta(), dt.timedelta(days=3000)))
def test_a_target_that_rests_is_due_when_its_rest_is_over_but_for_one_that_a_wrong_clock_wrote(target, every, started, running, rest):
    past = Past(last_started_at=started, running=running, rest_until=started + rest)
    awake = due_at(target, every, past._replace(rest_until=None), jitter=0.1, added_at=NOON, now=started)
    due = due_at(target, every, past, jitter=0.1, added_at=NOON, now=started)
    assert due == (max(awake, started + rest) if rest <= LONGEST_WAIT else awake)


@given(targets, intervals, times, st.floats(0, 0.5), st.lists(st.timedeltas(dt.timedelta(), dt.timedelta(days=30)), max_size=20))
def test_a_due_time_never_moves_while_nothing_begins(target, every, started, jitter, looks):
    past = Past(last_started_at=started)
    planned = due_at(target, every, past, jitter=jitter, added_at=NOON, now=started)
    assert abs(planned - started - every) <= every * jitter + dt.timedelta(microseconds=1)
    for look in looks:
        assert due_at(target, every, past, jitter=jitter, added_at=NOON, now=started + look) == planned


def test_the_jitter_is_the_same_in_every_version_of_python_and_spreads_targets_evenly():
    assert share_of(1, NOON) == SHARE_OF_ONE
    shares = [share_of(target, NOON) for target in range(2000)]
    assert all(-1 <= share < 1 for share in shares)
    assert abs(sum(shares) / len(shares)) < 0.05
    assert len({round(share * 10) for share in shares}) == 21
