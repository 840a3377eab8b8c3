"""A simulated market from the shell: `python -m torwatch.demo.market --engine bazaar --seed 1 --port 8000`.

One market day passes every `--day-seconds`; without it the clock stands still. Ends on Ctrl-C.
"""

# ruff: noqa: T201 - a command of its own, which talks to a terminal
from __future__ import annotations

import argparse
import datetime as dt
import re
import sys
import time
from pathlib import Path

from torwatch.demo.market import ENGINES, EPOCH, Engine, Fault, FaultKind, Faults, MarketServer, MarketView, SimulatedClock, Visit
from torwatch.demo.market.answers import GATES, answer

FIXED_NONCE = "0123456789abcdef0123456789abcdef"


def main(arguments: list[str] | None = None) -> int:
    """Serve a market, or write a few of its pages as files (`--write-pages DIRECTORY`); gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m torwatch.demo.market", description="Run a simulated market on loopback.")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="bazaar")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--listings", type=int, default=300)
    parser.add_argument("--vendors", type=int)
    parser.add_argument("--dutch-share", type=float, default=0.12)
    parser.add_argument("--at", type=dt.datetime.fromisoformat, default=EPOCH, help="simulated moment to start at, ISO 8601 with a zone")
    parser.add_argument("--day-seconds", type=float, help="seconds a simulated day takes")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--page-bytes", type=int, default=0, help="pad every page to this size")
    parser.add_argument("--still", action="store_true", help="hold nonces, rates and view counters")
    parser.add_argument(
        "--fault", type=FaultKind, choices=list(FaultKind), action="append", default=[], help="switch a fault on; may be repeated"
    )
    parser.add_argument("--fault-probability", type=float, default=1.0)
    parser.add_argument("--fault-path", default="", help="regular expression of the paths it meets")
    parser.add_argument("--write-pages", type=Path, metavar="DIRECTORY", help="write one page of each kind there and stop")
    options = parser.parse_args(arguments)
    engine = ENGINES[options.engine]()
    try:
        world = engine.world(options.seed, listings=options.listings, vendors=options.vendors, dutch_share=options.dutch_share)
        clock = SimulatedClock(options.at)
        faults = Faults([Fault(kind, options.fault_path, options.fault_probability) for kind in options.fault], seed=options.seed)
    except (ValueError, re.error) as error:
        parser.error(str(error))
    if options.write_pages:
        write_pages(engine, MarketView(world.truth(options.at)), options.write_pages)
        return 0
    try:
        with MarketServer(world, engine, clock, faults, port=options.port, page_bytes=options.page_bytes, still=options.still) as server:
            print(f"{engine.name} on {server.url} at {clock():%Y-%m-%d %H:%M} UTC; Ctrl-C ends it")
            while True:
                time.sleep(options.day_seconds or 3600)
                if options.day_seconds:
                    print(f"{clock.advance(dt.timedelta(days=1)):%Y-%m-%d}: {len(server.view().truth.listings)} listings")
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"cannot listen on port {options.port}: {error.strerror}; give another --port", file=sys.stderr)
        return 1


def write_pages(engine: Engine, view: MarketView, folder: Path) -> None:
    """Write one page of each kind, of each gate and of each redesign as a file, and print what path each has on the market."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = engine.samples(view)
    pages: dict[str, tuple[str, tuple[FaultKind, ...]]] = {name: (target, ()) for name, target in targets.items()}
    pages |= {f"gate-{kind.value.replace('_', '-')}": (targets["index"], (kind,)) for kind in GATES}
    pages |= {f"{name}-redesign": (targets[name], (FaultKind.REDESIGN,)) for name in ("index", "listing", "vendor", "feedback")}
    pages["index-wrong-charset"] = (targets["index"], (FaultKind.WRONG_CHARSET,))
    for name, (target, kinds) in pages.items():
        page = answer(engine, view, target, Visit(serial=7, nonce=FIXED_NONCE), {kind: Fault(kind) for kind in kinds})
        (folder / f"{name}.html").write_bytes(page.body)
        print(f"{name}.html\t{target}")


if __name__ == "__main__":
    sys.exit(main())
