"""Rows of imported files: what recurs is not read again, and the history is the same as if it were."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch import rows
from torwatch.dataset.layout import read_layout
from torwatch.dataset.reading import Fault, read_row
from torwatch.errors import UsageError
from torwatch.loading import load_file
from torwatch.store.database import open_store
from torwatch.store.judgement import HoldRule
from torwatch.store.recurrence import drop_memory
from torwatch.store.rollback import roll_back
from torwatch.store.scrubbing import scrub_tables
from torwatch.store.tables import ordinary_tables

NOON = dt.datetime(2014, 5, 1, 12, tzinfo=dt.UTC)
COLUMNS = ("id", "title", "vendor", "price", "from", "about", "sold")
MEMORY = {"import_memory", "imported_row"}
SHOWN = {"journal_queue": "id, entity, gone, fields"}  # not when it was queued


def layout_of(name, key, *fields):
    mapped = {"title": "title", "vendor": "vendor", "price_raw": "price", "ship_from_raw": "from", "description": "about", "sales": "sold"}
    text = f'currency = "EUR"\nkey = {list(key)}\nmissing = ["NA"]\n[fields]\n' + "\n".join(
        f'{field} = "{mapped[field]}"' for field in fields
    )
    table = {"currency": "EUR", "key": list(key), "missing": ["NA"], "fields": {field: mapped[field] for field in fields}}
    return read_layout(name, text, table)


LAYOUTS = (
    layout_of("whole", ("id",), "title", "vendor", "price_raw", "ship_from_raw", "description"),
    layout_of("counted", ("id",), "title", "vendor", "price_raw"),
    layout_of("bare", ("id",), "title", "price_raw"),
    layout_of("named", ("vendor", "title"), "title", "vendor", "ship_from_raw", "description"),
)

row = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", "3", "4", "5", " 5", ""]),
        "title": st.sampled_from(["green tea", "black  tea", "black tea", "\udcff tea", "NA", "a\x1fb", '"tea"']),
        "vendor": st.sampled_from(["ann", "bob", ""]),
        "price": st.sampled_from(["1", "2.50", "two"]),
        "from": st.sampled_from(["NL", "Germany", "NA"]),
        "about": st.sampled_from(["", "fresh tea", "old\ntea"]),
        "sold": st.just("3"),
    }
)
one_file = st.tuples(
    st.just("file"),
    st.sampled_from([0, 0, 0, *range(len(LAYOUTS))]),
    st.lists(row, max_size=9),
    st.integers(-1, 9),  # the place of a row with too few columns
    st.sampled_from([COLUMNS, COLUMNS, COLUMNS, (*COLUMNS[:2], "from", "vendor", "price", "about", "sold")]),
    st.sampled_from([True, True, False]),
)
step = st.one_of(one_file, one_file, one_file, one_file, st.tuples(st.just("roll back")), st.tuples(st.just("scrub")))


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"'


def write_file(path, values, broken, columns):
    lines = [",".join(columns), *(",".join(quoted(one[name]) for name in columns) for one in values)]
    lines[broken + 1 : broken + 1] = ["lone"] if broken >= 0 else []
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))


def load(store, path, number, layout, *, complete=True):
    at = NOON + dt.timedelta(days=number)
    try:
        loaded = load_file(
            store, path, layout, "bazaar", at=at, file_digest=str(number), hold=HoldRule(confirm_misses=2), now=NOON, complete=complete
        )
    except UsageError as error:
        return str(error)
    return loaded


def dump(store):
    return {
        table: sorted(map(repr, map(tuple, store.rows(f"SELECT {SHOWN.get(table, '*')} FROM {table}"))))
        for table in ordinary_tables(store.connection)
        if table not in MEMORY
    }


def take(store, path, number, step):
    market = store.value("SELECT id FROM market")
    if step[0] == "file":
        return load(store, path, number, LAYOUTS[step[1]], complete=step[5])
    if market:
        with store.write() as connection:
            if step[0] == "scrub":
                scrub_tables(connection, market, lambda text: text.replace("green", "…"))
            elif newest := store.value("SELECT max(id) FROM snapshot"):
                roll_back(connection, market=market, snapshot=newest)
    return None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(step, min_size=2, max_size=7), st.integers(1, 4))
def test_any_files_give_the_same_history_whether_their_recurring_rows_are_read_or_not(tmp_path_factory, steps, size):
    folder = tmp_path_factory.mktemp("both")
    with pytest.MonkeyPatch.context() as patch, open_store(folder / "a.db") as short, open_store(folder / "b.db") as long:
        patch.setattr(rows, "GROUP_ROWS", size)
        for number, one in enumerate(steps):
            path = folder / f"{number}.csv"
            if one[0] == "file":
                write_file(path, *one[2:5])
            with long.write() as connection:
                drop_memory(connection, 1)
            assert take(short, path, number, one) == take(long, path, number, one)
            assert dump(short) == dump(long)


@pytest.fixture
def read(monkeypatch):
    """The lines of the rows that were read cell by cell."""
    lines = []

    def noting(line, *rest):
        lines.append(line)
        return read_row(line, *rest)

    monkeypatch.setattr(rows, "read_row", noting)
    return lines


def some(count, **changed):
    base = {"title": "tea", "vendor": "ann", "price": "1", "from": "NL", "about": "", "sold": "3"}
    return [{"id": str(number), **base, **changed.get(f"n{number}", {})} for number in range(count)]


def test_only_rows_that_changed_are_read(tmp_path, read):
    path = tmp_path / "a.csv"
    with open_store(tmp_path / "torwatch.db") as store:
        for number, values in enumerate((some(20), some(21, n3={"price": "9"}), some(21))):
            write_file(path, values, -1, COLUMNS)
            read.clear()
            loaded = load(store, path, number, LAYOUTS[0])
            assert loaded.rows == len(values)
            assert read == ([*range(2, 22)], [5, 22], [5])[number]


def test_another_layout_or_an_import_in_between_reads_all(tmp_path, read):
    path = tmp_path / "a.csv"
    write_file(path, some(4), -1, COLUMNS)
    with open_store(tmp_path / "torwatch.db") as store:
        for number, layout in enumerate((0, 1, 0, 0)):
            read.clear()
            load(store, path, number, LAYOUTS[layout])
            assert len(read) == (4, 4, 4, 0)[number]


def test_of_a_key_that_repeats_the_first_row_counts_whether_it_is_known_or_not(tmp_path):
    path = tmp_path / "a.csv"
    with open_store(tmp_path / "torwatch.db") as store:
        for number, values in enumerate((some(2), [*some(2), *some(1, n0={"price": "9"})], [*some(1, n0={"price": "7"}), *some(2)])):
            write_file(path, values, -1, COLUMNS)
            assert load(store, path, number, LAYOUTS[0]).repeated == (0, 1, 1)[number]
            assert store.value("SELECT price FROM listing WHERE key = '0'") == ("1", "1", "7")[number]


def test_rows_whose_cells_run_together_have_digests_of_their_own():
    apart = [(2, ["a", "b\0c"], None), (3, ["a\0b", "c"], None), (4, ["a", "b", "c"], None), Fault(5, "no CSV")]
    assert [bool(digest) for digest in rows.digests_of(apart, LAYOUTS[0])] == [False, False, True, False]
