"""torwatch: watch anonymous marketplaces over Tor, and say what each figure rests on."""

__version__ = "0.1.0"
