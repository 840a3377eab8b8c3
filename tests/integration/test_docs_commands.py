"""The commands of the documents are run on a watched market; those that cannot be are named, with the reason."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:sudo\s+(?:-u\s+\w+\s+)?)?(?:/\S*/bin/)?torwatch(\s.*)$")
TORWATCH = str(Path(sys.executable).with_name("torwatch"))
NAMES = {"NAME": "souk", "dream": "souk", "MARKET": "souk", "PARSER": "souk", "TARGET": "souk"}
GOOD = {0, 3, 4}  # done; status and doctor: warnings, failures
# (first words, why it is not run here)
NOT_RUN = {
    "demo": "test of its own (tests/tor)",
    "run": "the daemon goes on for ever; tests/tor",
    "serve": "goes on for ever; tests/integration/test_serve.py",
    "systemd install": "writes units; tests/unit/cli/test_systemd.py",
    "snapshot now": "needs tor; tests/tor",
    "target probe": "needs tor; tests/tor",
    "target import-mirrors": "needs a signed list; tests/integration/test_mirror_list.py",
    "session import": "needs a browser's export; tests/integration/test_sessions.py",
    "session renew": "needs a browser's export; tests/integration/test_sessions.py",
    "alert test": "needs tor and destinations; tests/unit/test_alerting.py",
    "import csv": "needs a data set of others; tests/integration/test_loading.py",
    "forget vendor": "needs a vendor to be forgotten; tests/integration/test_forgetting.py",
    "hold show": "needs a held snapshot; tests/unit/store/test_holding.py",
    "hold accept": "needs a held snapshot; tests/unit/store/test_holding.py",
    "hold reject": "needs a held snapshot; tests/unit/store/test_holding.py",
}


@pytest.fixture
def documented(checkout):
    """(document, words) of every command in README.md, the guide, the recipes and the page on ethics."""
    found = []
    for name in ("README.md", "docs/operations.md", "docs/how-to.md", "docs/ethics.md"):
        for block in FENCE.findall((checkout / name).read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                matched = COMMAND.match(line.strip())
                if matched:
                    found.append((name, shlex.split(re.split(r"\s[|>&;]", matched[1])[0], comments=True)))
    assert len(found) > 40
    return found


def reason_not_run(words):
    return next((why for first, why in NOT_RUN.items() if words[: len(first.split())] == first.split()), "")


def test_the_commands_of_the_documents_run(documented, watched, tmp_path):
    watch = watched("souk", listings=8, concurrency=2)
    watch.look()
    watch.look()
    key = watch.store.value("SELECT key FROM listing LIMIT 1")
    watch.store.close()
    environment = os.environ | {"STATE_DIRECTORY": str(watch.config.data_directory), "HOME": str(tmp_path), "COLUMNS": "100"}
    environment.pop("TORWATCH_CONFIG", None)
    names = NAMES | {"KEY": key, "ADDRESS.onion": "a" * 55 + "d.onion", "OLD.onion": "b" * 55 + "d.onion"}
    ran, faults = 0, []
    for number, (document, words) in enumerate(documented):
        if reason_not_run(words):
            continue
        arguments = [names.get(word, word).replace("~", str(tmp_path)) for word in words]
        if arguments[:1] == ["add"] or "--add-mirror" in arguments or "--remove-mirror" in arguments or "parser try" in " ".join(arguments):
            continue  # tests/integration/test_targets.py, tests/unit/cli/test_parser.py
        if "--client-auth-key-file" in arguments or "--forget-client-auth-key" in arguments:
            continue  # needs a key; tests/unit/cli, tests/tor
        folder = tmp_path / str(number)
        folder.mkdir()
        if "--config" in arguments:
            (folder / "torwatch.toml").write_text("")
        done = subprocess.run(
            [TORWATCH, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False, input="y\n"
        )
        ran += 1
        if done.returncode not in GOOD or "Traceback" in done.stderr:
            faults.append(f"{document}: torwatch {' '.join(words)}: {done.returncode}: {done.stderr[-300:]}")
    assert not faults, "\n".join(faults)
    assert ran > 15
