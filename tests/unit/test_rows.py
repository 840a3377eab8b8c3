"""Rows of imported files: what recurs is not read again, and the history is the same as if it were."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from torwatch import rows
from torwatch.dataset.layout import read_layout
from torwatch.dataset.reading import read_row
from torwatch.errors import UsageError
from torwatch.loading import load_file
from torwatch.store.database import open_store
from torwatch.store.history import seen_in
from torwatch.store.judgement import HoldRule
from torwatch.store.recurrence import drop_memory
from torwatch.store.rollback import roll_back
from torwatch.store.scrubbing import scrub_tables
from torwatch.store.tables import ordinary_tables

NOON = dt.datetime(2014, 5, 1, 12, tzinfo=dt.UTC)
COLUMNS = ("id", "title", "vendor", "price", "from", "about", "sold")
MEMORY = {"import_memory", "imported_row"}
SHOWN = {"journal_queue": "id, entity, gone, fields"}  # not when it was queued


def layout_of(name, key, *fields, separator=","):
    mapped = {"title": "title", "vendor": "vendor", "price_raw": "price", "ship_from_raw": "from", "description": "about", "sales": "sold"}
    text = f'currency = "EUR"\nseparator = "{separator}"\nkey = {list(key)}\nmissing = ["NA"]\n[fields]\n' + "\n".join(
        f'{field} = "{mapped[field]}"' for field in fields
    )
    table = {
        "currency": "EUR",
        "separator": separator,
        "key": list(key),
        "missing": ["NA"],
        "fields": {field: mapped[field] for field in fields},
    }
    return read_layout(name, text, table)


LAYOUTS = (
    layout_of("whole", ("id",), "title", "vendor", "price_raw", "ship_from_raw", "description"),
    layout_of("counted", ("id",), "title", "vendor", "price_raw", "sales"),
    layout_of("bare", ("id",), "title", "price_raw"),
    layout_of("named", ("vendor", "title"), "title", "vendor", "ship_from_raw", "description"),
    layout_of("apart", ("id",), "title", "vendor", "price_raw", "ship_from_raw", separator="::"),
)

# Too few columns; the header again; quotes that are never closed, or closed too early; what only its end makes a record of two lines.
BROKEN = (
    "lone",
    ",".join(COLUMNS),
    '5,"tea',
    '5,"te"a,ann,1,NL,,3',
    '5,te"a,ann,1,NL,"old',
    '"5","tea","ann","1","NL","',
    "5,t\0ea,ann,1,NL,,3",
)

row = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", "3", "4", "5", " 5", ""]),
        "title": st.sampled_from(["green tea", "black  tea", "black tea", "\udcff tea", "NA", "a\x1fb", '"tea"']),
        "vendor": st.sampled_from(["ann", "bob", ""]),
        "price": st.sampled_from(["1", "2.50", "two"]),
        "from": st.sampled_from(["NL", "Germany", "NA"]),
        "about": st.sampled_from(["", "fresh tea", "old\ntea", 'said "so"']),
        "sold": st.sampled_from(["3", "4"]),
    }
)
one_file = st.tuples(
    st.just("file"),
    st.sampled_from([0, 0, 0, *range(len(LAYOUTS))]),
    st.lists(row, max_size=9),
    st.tuples(st.integers(-1, 9), st.sampled_from(BROKEN)),  # where a line that is no row stands, -1: nowhere
    st.sampled_from([COLUMNS, COLUMNS, COLUMNS, (*COLUMNS[:2], "from", "vendor", "price", "about", "sold")]),
    st.sampled_from([True, True, False]),
    st.sampled_from(["\n", "\n", "\n", "\r\n"]),
)
step = st.one_of(one_file, one_file, one_file, one_file, st.tuples(st.just("roll back")), st.tuples(st.just("scrub")))


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"' if {*cell} & {*'",\n '} else cell


def write_file(path, values, broken=(-1, ""), columns=COLUMNS, end="\n", separator=","):
    cells = quoted if separator == "," else str
    lines = [separator.join(columns), *(separator.join(cells(one[name]) for name in columns) for one in values)]
    place, line = broken
    lines[place + 1 : place + 1] = [line] if place >= 0 else []
    path.write_bytes(end.join(lines).encode("utf-8", "surrogateescape"))


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
                write_file(path, *one[2:5], one[6], "::" if one[1] == len(LAYOUTS) - 1 else ",")
            with long.write() as connection:
                drop_memory(connection, 1)
            assert take(short, path, number, one) == take(long, path, number, one)
            assert dump(short) == dump(long)


@pytest.fixture
def read(monkeypatch):
    """The lines of the rows that were read cell by cell."""
    lines = []

    def noting(raw, layout):
        lines.append(raw.line)
        return read_row(raw, layout)

    monkeypatch.setattr(rows, "read_row", noting)
    return lines


def some(count, **changed):
    base = {"title": "tea", "vendor": "ann", "price": "1", "from": "NL", "about": "", "sold": "3"}
    return [{"id": str(number), **base, **changed.get(f"n{number}", {})} for number in range(count)]


def test_only_rows_that_changed_are_read(tmp_path, read):
    path = tmp_path / "a.csv"
    with open_store(tmp_path / "torwatch.db") as store:
        for number, values in enumerate((some(20), some(21, n3={"price": "9"}), some(21))):
            write_file(path, values)
            read.clear()
            loaded = load(store, path, number, LAYOUTS[0])
            assert loaded.rows == len(values)
            assert read == ([*range(2, 22)], [5, 22], [5])[number]


def test_another_layout_or_an_import_in_between_reads_all(tmp_path, read):
    path = tmp_path / "a.csv"
    write_file(path, some(4))
    with open_store(tmp_path / "torwatch.db") as store:
        for number, layout in enumerate((0, 1, 0, 0)):
            read.clear()
            load(store, path, number, LAYOUTS[layout])
            assert len(read) == (4, 4, 4, 0)[number]


def test_of_a_key_that_repeats_the_first_row_counts_whether_it_is_known_or_not(tmp_path):
    path = tmp_path / "a.csv"
    with open_store(tmp_path / "torwatch.db") as store:
        for number, values in enumerate((some(2), [*some(2), *some(1, n0={"price": "9"})], [*some(1, n0={"price": "7"}), *some(2)])):
            write_file(path, values)
            assert load(store, path, number, LAYOUTS[0]).repeated == (0, 1, 1)[number]
            assert store.value("SELECT price FROM listing WHERE key = '0'") == ("1", "1", "7")[number]


def test_a_record_of_several_lines_recurs_too_and_a_line_of_one_is_no_record(tmp_path, read):
    path = tmp_path / "a.csv"
    two_lines = some(3, n1={"about": "old\n2,tea,ann,1,NL,,3"})
    with open_store(tmp_path / "torwatch.db") as store:
        for number, values in enumerate((two_lines, two_lines, [two_lines[1]])):
            write_file(path, values)
            read.clear()
            loaded = load(store, path, number, LAYOUTS[0])
            assert (loaded.rows, loaded.repeated, len(read)) == ((3, 0, 3), (3, 0, 0), (1, 0, 0))[number]
        assert store.value("SELECT listings FROM snapshot ORDER BY id DESC") == 1


def test_a_listing_that_comes_back_is_read_again(tmp_path, read):
    path = tmp_path / "a.csv"
    with open_store(tmp_path / "torwatch.db") as store:
        for number, values in enumerate((some(3), some(2), some(3), some(3))):
            write_file(path, values)
            read.clear()
            load(store, path, number, LAYOUTS[0])
            assert read == ([2, 3, 4], [], [4], [])[number]
        assert store.value("SELECT count(*) FROM spell WHERE first_missed_snapshot_id IS NOT NULL") == 0


def test_a_partial_file_of_known_rows_says_whom_it_saw(tmp_path):
    path = tmp_path / "a.csv"
    with open_store(tmp_path / "torwatch.db") as store:
        for number, values in enumerate((some(3), some(2))):
            write_file(path, values)
            load(store, path, number, LAYOUTS[0], complete=number == 0)
        key_of = {row["id"]: row["key"] for row in store.rows("SELECT id, key FROM listing")}
        assert sorted(key_of[number] for number in seen_in(store, "listing", 2)) == ["0", "1"]


def test_progress_counts_known_rows_too(tmp_path):
    path, told = tmp_path / "a.csv", []
    write_file(path, some(4))
    with open_store(tmp_path / "torwatch.db") as store:
        for number in range(2):
            at = NOON + dt.timedelta(days=number)
            load_file(store, path, LAYOUTS[0], "bazaar", at=at, file_digest=str(number), hold=HoldRule(), now=NOON, progress=told.append)
    assert told[-1] == 4
