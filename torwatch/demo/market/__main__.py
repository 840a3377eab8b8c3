"""A simulated market from the shell: `python -m torwatch.demo.market --engine bazaar --seed 1 --port 8000`.

One market day passes every `--day-seconds`; without it the clock stands still. Ends on Ctrl-C.
"""

# ruff: noqa: T201 - a command of its own, which talks to a terminal
from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from pathlib import Path

from torwatch.demo.market import ENGINES, EPOCH, Fault, FaultKind, Faults, MarketServer, MarketView, SimulatedClock, Visit


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
    parser.add_argument(
        "--fault", type=FaultKind, choices=list(FaultKind), action="append", default=[], help="switch a fault on; may be repeated"
    )
    parser.add_argument("--fault-probability", type=float, default=1.0)
    parser.add_argument("--fault-path", default="", help="regular expression of the paths it meets")
    parser.add_argument("--write-pages", type=Path, metavar="DIRECTORY", help="write one page of each kind there and stop")
    options = parser.parse_args(arguments)
    engine = ENGINES[options.engine]()
    world = engine.world(options.seed, listings=options.listings, vendors=options.vendors, dutch_share=options.dutch_share)
    if options.write_pages:
        view = MarketView(world.truth(options.at))
        options.write_pages.mkdir(parents=True, exist_ok=True)
        for name, target in engine.samples(view).items():
            page = engine.render(view, target, Visit(serial=7, nonce="0123456789abcdef0123456789abcdef"))
            (options.write_pages / f"{name}.html").write_text(page.body, encoding="utf-8")
            print(f"{name}.html\t{target}")
        return 0
    faults = Faults([Fault(kind, options.fault_path, options.fault_probability) for kind in options.fault], seed=options.seed)
    clock = SimulatedClock(options.at)
    try:
        with MarketServer(world, engine, clock, faults, port=options.port, page_bytes=options.page_bytes) as server:
            print(f"{engine.name} on {server.url} at {clock():%Y-%m-%d %H:%M} UTC; Ctrl-C ends it")
            while True:
                time.sleep(options.day_seconds or 3600)
                if options.day_seconds:
                    print(f"{clock.advance(dt.timedelta(days=1)):%Y-%m-%d}: {len(server.view().truth.listings)} listings")
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
