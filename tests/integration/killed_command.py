"""A command of torwatch that kills itself with SIGKILL at the n-th call of a function: `killed_command.py MODULE:FUNCTION N COMMAND …`."""

from __future__ import annotations

import importlib
import os
import signal
import sys


def main():
    place, times, *arguments = sys.argv[1:]
    module_name, _, name = place.partition(":")
    module = importlib.import_module(module_name)
    real, calls = getattr(module, name), []

    def deadly(*positional, **named):
        calls.append(name)
        if len(calls) == int(times):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*positional, **named)

    setattr(module, name, deadly)
    sys.argv = ["torwatch", *arguments]
    from torwatch.cli import main as run  # noqa: PLC0415 - after the function was replaced

    run()


if __name__ == "__main__":
    main()
