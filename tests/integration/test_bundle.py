"""A bundle is checked by a third party with warcio, sha256sum and openssl alone."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
import subprocess
import sys
import zipfile

import pytest

from torwatch.archive.bundle import pack_listing, pack_snapshot
from torwatch.archive.index import read_index
from torwatch.archive.manifest import read_chain
from torwatch.archive.timestamp import keep_response, make_request, response_path
from torwatch.assembly import open_readers
from torwatch.errors import ArchiveError, UsageError
from torwatch.removal.account import request_vendor
from torwatch.removal.oblivion import carry_out
from torwatch.replay.versions import Versions


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def archive(watched):
    """Two snapshots of a market."""
    watch = watched("souk", listings=10)
    watch.look()
    watch.clock.advance(dt.timedelta(days=7))
    watch.look()
    return watch.config.archive_directory


@pytest.fixture
def authority(tmp_path):
    """A time stamp authority of this machine: gives a function from a request to its response, and the certificate."""
    folder = tmp_path / "authority"
    folder.mkdir()
    (folder / "tsa.cnf").write_text(
        "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=Test authority\n"
        "[ext]\nkeyUsage=digitalSignature\nextendedKeyUsage=critical,timeStamping\n"
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_cert=ca.pem\nsigner_key=key.pem\nsigner_digest=sha256\n"
        "default_policy=1.2.3.4\ndigests=sha256\n",
        encoding="utf-8",
    )
    made = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "ca.pem", "-days", "9",
               "-config", "tsa.cnf", cwd=folder)  # fmt: skip
    assert made.returncode == 0, made.stderr
    (folder / "serial").write_text("01\n", encoding="utf-8")

    def stamp(request):
        (folder / "q.tsq").write_bytes(request)
        done = run("openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q.tsq", "-out", "r.tsr", cwd=folder)
        assert done.returncode == 0, done.stderr
        return (folder / "r.tsr").read_bytes()

    return stamp, folder / "ca.pem"


def unpacked(bundle, folder):
    with zipfile.ZipFile(bundle) as opened:
        opened.extractall(folder)
    return folder


@pytest.mark.parametrize("what", ["snapshot", "listing"])
def test_a_bundle_verifies_with_public_tools_alone(archive, authority, tmp_path, what):
    stamp, certificate = authority
    head = read_chain(archive)[-1]
    keep_response(archive, stamp(make_request(head.sha256)))
    target = tmp_path / "evidence.zip"
    if what == "snapshot":
        count = pack_snapshot(archive, 2, target)
        assert count == sum(head.fields["records"].values())
    else:
        key = next(entry.key for entry in read_index(archive / "souk" / "00000001.cdxj") if entry.kind == "listing" and entry.offset)
        assert pack_listing(archive, "souk", key, target) in {3, 6}
    folder = unpacked(target, tmp_path / "out")
    assert run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=folder).returncode == 0
    pages = sorted(str(page) for page in folder.glob("pages/*.warc.gz"))
    assert pages
    checked = run(sys.executable, "-m", "warcio.cli", "check", *pages, cwd=folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    lists = "".join(path.read_text(encoding="utf-8") for path in folder.glob("chain/*.records"))
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("chain/*.manifest.json"))]
    sums = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    records = [name for name in sums if name.startswith("records/")]
    assert records
    assert all(f"{sums[name]} " in lists for name in records)
    sealed = {file["sha256"] for manifest in manifests for file in manifest["files"]}
    assert {digest for name, digest in sums.items() if name.endswith(".records")} <= sealed
    [stamped] = folder.glob("chain/*.tsr")
    data = stamped.with_name(stamped.name.replace(".tsr", ".manifest.json"))
    command = ("openssl", "ts", "-verify", "-data", str(data), "-in", str(stamped), "-CAfile", str(certificate))
    assert run(*command, cwd=folder).returncode == 0
    data.write_bytes(data.read_bytes() + b" ")
    assert run(*command, cwd=folder).returncode != 0
    assert run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=folder).returncode != 0


def test_a_bundle_of_a_snapshot_with_tombstones_leaves_out_what_is_gone_and_says_so(watched, tmp_path):
    watch = watched("souk", listings=10, still=True)
    watch.look()
    watch.look()
    archive, target = watch.config.archive_directory, tmp_path / "evidence.zip"
    name = watch.store.value("SELECT name FROM vendor WHERE standing = 1 ORDER BY id LIMIT 1")
    with open_readers(watch.config) as readers:
        carry_out(watch.tools, request_vendor(watch.store, "souk", name, "17"), readers, Versions(archive))
    sealed = read_chain(archive)[0].fields["records"]
    count = pack_snapshot(archive, 1, target)
    assert 0 < count < sum(sealed.values())
    folder = unpacked(target, tmp_path / "out")
    assert run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=folder).returncode == 0
    pages = sorted(str(page) for page in folder.glob("pages/*.warc.gz"))
    assert run(sys.executable, "-m", "warcio.cli", "check", *pages, cwd=folder).returncode == 0
    assert list(folder.glob("chain/*.tombstone-*.manifest.json"))
    assert "had to be forgotten" in (folder / "README.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("what", ["snapshot", "listing"])
def test_a_bundle_holds_the_pages_that_its_revisits_refer_to(watched, tmp_path, what):
    watch = watched("souk", listings=10, still=True)
    watch.look()
    watch.look()
    archive = watch.config.archive_directory
    revisit = next(entry for entry in read_index(archive / "souk" / "00000002.cdxj") if entry.kind == "listing" and entry.orig_filename)
    if what == "snapshot":
        assert pack_snapshot(archive, 2, tmp_path / "x.zip") > sum(read_chain(archive)[1].fields["records"].values())
    else:
        assert pack_listing(archive, "souk", revisit.key, tmp_path / "x.zip") == 5  # twice warcinfo, a request, its response, the revisit
    folder = unpacked(tmp_path / "x.zip", tmp_path / "out")
    assert run("sha256sum", "--strict", "-c", "SHA256SUMS", cwd=folder).returncode == 0
    pages = sorted(str(page) for page in folder.glob("pages/*.warc.gz"))
    assert len(pages) == 2
    checked = run(sys.executable, "-m", "warcio.cli", "check", *pages, cwd=folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    heads = b"".join(gzip.decompress(path.read_bytes()) for path in folder.glob("records/*.warc.gz"))
    wanted = re.findall(rb"WARC-Refers-To-Target-URI: (\S+)\r\nWARC-Refers-To-Date: (\S+)\r\n", heads)
    held = [record for record in heads.split(b"WARC/1.1\r\n") if b"WARC-Type: response" in record]
    assert wanted
    for uri, date in wanted:
        assert any(b"WARC-Target-URI: " + uri in record and b"WARC-Date: " + date in record for record in held)


def test_a_time_stamp_is_kept_beside_its_manifest_and_is_no_break(archive, authority):
    stamp, _ = authority
    first, last = read_chain(archive)
    assert keep_response(archive, stamp(make_request(first.sha256))) == first
    assert response_path(first).is_file()
    assert not response_path(last).exists()
    with pytest.raises(UsageError, match="stamps no manifest"):
        keep_response(archive, b"something else")


def test_a_record_that_was_altered_is_not_packed(archive, tmp_path):
    warc = archive / "souk" / "00000001.warc.gz"
    raw = bytearray(warc.read_bytes())
    raw[len(raw) // 2] ^= 1
    warc.write_bytes(raw)
    with pytest.raises(ArchiveError, match="not what was sealed"):
        pack_snapshot(archive, 1, tmp_path / "evidence.zip")
    assert not (tmp_path / "evidence.zip").exists()


def test_what_is_not_there_is_one_line(archive, tmp_path):
    with pytest.raises(UsageError, match="no manifest vouches"):
        pack_snapshot(archive, 99, tmp_path / "x.zip")
    with pytest.raises(UsageError, match="holds no page of a listing"):
        pack_listing(archive, "souk", "none", tmp_path / "x.zip")
