from hypothesis import given
from hypothesis import strategies as st

from torwatch.tor.identity import derive_credentials


@given(st.text(), st.binary(min_size=1))
def test_user_and_password_fit_pysocks_and_are_never_empty(identity, secret):
    user, password = derive_credentials(identity, secret)
    assert 0 < len(user.encode()) < 128
    assert 0 < len(password.encode()) < 128
    assert (user, password) == derive_credentials(identity, secret)


def test_targets_and_runs_get_different_credentials():
    secrets = [b"first run", b"second run"]
    assert len({derive_credentials(identity, secret) for identity in ("tea", "coffee") for secret in secrets}) == 4


def test_the_target_cannot_be_read_from_the_user():
    assert "teamarket" not in "".join(derive_credentials("teamarket", b"x"))
