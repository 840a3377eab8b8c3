import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torwatch.errors import UsageError
from torwatch.tor.address import OnionAddress, onion_host, parse_onion

KEYS = st.binary(min_size=32, max_size=32)
HOST = onion_host(bytes(range(32)))
LABEL = HOST.removesuffix(".onion")


@given(KEYS)
def test_every_generated_key_gives_an_address_that_reads_back(key):
    host = onion_host(key)
    assert parse_onion(host) == OnionAddress(host)
    assert parse_onion(parse_onion(host).url()) == OnionAddress(host)


# Exhaustive over fixed keys: the checksum has 16 bits, so a random search would one day meet an honest collision.
@pytest.mark.parametrize("key", [bytes(range(32)), b"\xff" * 32])
def test_any_change_of_one_character_is_refused(key):
    label = onion_host(key).removesuffix(".onion")
    for place, true in enumerate(label):
        for other in string.ascii_lowercase + string.digits + "-._:/@?#% é":
            if other != true:
                with pytest.raises(UsageError):
                    parse_onion(f"{label[:place]}{other}{label[place + 1 :]}.onion")


@given(st.text())
@settings(max_examples=300)
def test_no_text_gives_anything_but_an_address_or_one_printable_line(text):
    told = ""
    try:
        address = parse_onion(text)
    except UsageError as error:
        told = str(error)
    else:
        assert parse_onion(address.url()) == address
    assert told == "" or (told.isprintable() and len(told) < 400)  # a line break is not printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HOST, OnionAddress(HOST)),
        (LABEL, OnionAddress(HOST)),
        (f"  {HOST}\n", OnionAddress(HOST)),
        (HOST.upper(), OnionAddress(HOST)),
        (f"{HOST}.", OnionAddress(HOST)),
        (f"www.shop.{HOST}", OnionAddress(HOST)),
        (f"//{HOST}/a", OnionAddress(HOST, path="/a")),
        (f"HTTP://{HOST}", OnionAddress(HOST)),
        (f"http://{HOST}:8080/category?id=3&page=2#top", OnionAddress(HOST, 8080, "/category?id=3&page=2")),
        (f"{HOST}:81", OnionAddress(HOST, 81)),
        (f"http://{HOST}:/", OnionAddress(HOST)),
        (f"http://{HOST}?q=tea", OnionAddress(HOST, path="/?q=tea")),
        (f"https://{HOST}/", OnionAddress(HOST, 443, scheme="https")),
    ],
)
def test_an_address_is_accepted_as_people_paste_it(text, expected):
    assert parse_onion(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no address given"),
        ("   ", "no address given"),
        (f"{'a' * 16}.onion", "v2 address"),
        (f"{LABEL[:-1]}.onion", "has 55 characters before .onion instead of 56"),
        (f"{LABEL}a.onion", "has 57 characters"),
        (f"{LABEL[:10]}1{LABEL[11:]}.onion", "holds '1' at place 11"),
        (f"{LABEL[:-1]}a.onion", r"onion version \d+ instead of 3"),
        (f"{'b' if LABEL[0] != 'b' else 'c'}{LABEL[1:]}.onion", "wrong checksum"),
        ("example.com", "is not an onion"),
        ("http://example.com/?x=abc.onion", "is not an onion"),
        ("example", "is not an onion"),
        ("127.0.0.1:80", "is an IP address"),
        ("http://[::1]/", "is an IP address"),
        (f"{LABEL}.onion.to", "web gateway"),
        (f"{LABEL}.tor2web.org", "web gateway"),
        (f"{HOST}.example.com", "web gateway"),
        (f"ftp://{HOST}", "only http and https"),
        (f"http://user:secret@{HOST}/", "user name or password"),
        (f"http://{HOST}:0/", "port is a number from 1 to 65535"),
        (f"http://{HOST}:65536/", "port is a number"),
        (f"http://{HOST}:8o/", "port is a number"),
        (f"{LABEL[:5]} {LABEL[5:]}.onion", r"holds SPACE \(U\+0020\) at place 6"),
        (f"{LABEL[:5]}\u0430{LABEL[6:]}.onion", "CYRILLIC SMALL LETTER A"),
        (f"{LABEL[:5]}\u200b{LABEL[5:]}.onion", "ZERO WIDTH SPACE"),
        (f"{LABEL[:5]}\x1b{LABEL[5:]}.onion", r"control character \(U\+001B\)"),
        (f"{LABEL}\u3002onion", "IDEOGRAPHIC FULL STOP"),
        (f"{LABEL}..onion", "no host name"),
        (".onion", "no host name"),
        ("http:///path", "no host name"),
        ("onion", "is not an onion"),
        (f"http://{HOST}\\@example.com", "user name or password"),
    ],
)
def test_what_is_not_an_onion_is_refused_with_what_is_wrong(text, message):
    with pytest.raises(UsageError, match=message):
        parse_onion(text)


def test_a_password_in_an_address_never_reaches_the_message():
    with pytest.raises(UsageError) as caught:
        parse_onion(f"http://user:se cret\x00@{HOST}/")
    assert "cret" not in str(caught.value)


def test_a_url_leaves_out_the_default_port_and_the_fragment():
    assert OnionAddress(HOST).url("/a?b=c#d") == f"http://{HOST}/a?b=c"
    assert OnionAddress(HOST, 443, scheme="https").url() == f"https://{HOST}/"
    assert OnionAddress(HOST, 8080, "/start").url() == f"http://{HOST}:8080/start"


def test_a_url_never_holds_a_raw_control_character_or_space():
    assert OnionAddress(HOST).url("/a b\r\nHost: x\u00e9") == f"http://{HOST}/a%20b%0D%0AHost:%20x%C3%A9"


def test_a_url_of_a_path_that_could_leave_the_onion_is_refused():
    with pytest.raises(UsageError, match="must start with '/'"):
        OnionAddress(HOST).url(".example.com/")


def test_a_public_key_of_another_length_is_refused():
    with pytest.raises(UsageError, match="32 bytes, not 31"):
        onion_host(bytes(31))


def test_the_encoding_is_that_of_tor_itself():
    # The example address of tor's own specification (rend-spec-v3, "Encoding onion addresses").
    assert parse_onion("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion").port == 80
