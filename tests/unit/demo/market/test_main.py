"""The simulated market as a command."""

from torwatch.demo.market.__main__ import main


def test_pages_can_be_written_as_files(tmp_path, capsys):
    assert main(["--engine", "souk", "--write-pages", str(tmp_path)]) == 0
    names = {line.split("\t")[0] for line in capsys.readouterr().out.splitlines()}
    assert names == {path.name for path in tmp_path.iterdir()}
    assert {"home.html", "index.html", "listing.html", "vendor.html", "feedback.html"} <= names


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        main(["--engine", "bazaar", "--seed", "4", "--write-pages", str(tmp_path / folder)])
    assert (tmp_path / "one" / "index.html").read_bytes() == (tmp_path / "two" / "index.html").read_bytes()
