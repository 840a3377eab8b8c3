"""Identity keys and handles."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from torwatch.normalise.keys import handle, identity_key

fields = st.dictionaries(st.sampled_from(["vendor", "title", "number"]), st.none() | st.text() | st.integers())


def test_a_key_is_the_same_in_another_process_with_another_hash_seed():
    code = "from torwatch.normalise.keys import identity_key; print(identity_key('listing', vendor='teahouse', title='Green tea'))"
    keys = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert keys == {identity_key("listing", title="Green tea", vendor="teahouse")}
    assert keys == {"5e0ced73dbfe26be13262056a185b90b36c0505a6cf640d74588797a95357a96"}


@given(fields, fields)
def test_two_keys_are_equal_only_for_the_same_fields(left, right):
    assert (identity_key("listing", **left) == identity_key("listing", **right)) == (left == right)


def test_the_kind_and_an_absent_value_count():
    assert identity_key("listing", vendor="x") != identity_key("feedback", vendor="x")
    assert identity_key("listing", vendor=None) != identity_key("listing", vendor="")
    assert identity_key("listing", a="bc") != identity_key("listing", ab="c")


def test_a_handle_is_compared_without_case_marks_and_disguise():
    assert handle("Tea_House-24") == handle("teahouse24") == handle("ＴeaHouse 24") == handle("Tеahouse·24") == "teahouse24"  # noqa: RUF001 - disguised letters
    assert handle("☕") == ""


@given(st.text())
def test_a_handle_of_a_handle_is_the_handle(name):
    assert handle(handle(name)) == handle(name)
