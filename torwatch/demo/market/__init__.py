"""A simulated market with known truth: a pure world, two engines that draw it as pages, a server, and faults that can be switched on."""

from torwatch.demo.market.bazaar import Bazaar
from torwatch.demo.market.clock import SimulatedClock
from torwatch.demo.market.engine import Engine, MarketView, Visit
from torwatch.demo.market.faults import Fault, FaultKind, Faults
from torwatch.demo.market.lives import Pace
from torwatch.demo.market.server import MarketServer, ServedRequest
from torwatch.demo.market.souk import Souk
from torwatch.demo.market.traits import Claims
from torwatch.demo.market.truth import (
    Truth,
    TruthChange,
    TruthFeedback,
    TruthListing,
    TruthVendor,
    claims_of,
    diff_truth,
    remember,
    replay_truth,
    state_of,
)
from torwatch.demo.market.world import EPOCH, World

ENGINES: dict[str, type[Engine]] = {"bazaar": Bazaar, "souk": Souk}

__all__ = [
    "ENGINES",
    "EPOCH",
    "Bazaar",
    "Claims",
    "Engine",
    "Fault",
    "FaultKind",
    "Faults",
    "MarketServer",
    "MarketView",
    "Pace",
    "ServedRequest",
    "SimulatedClock",
    "Souk",
    "Truth",
    "TruthChange",
    "TruthFeedback",
    "TruthListing",
    "TruthVendor",
    "Visit",
    "World",
    "claims_of",
    "diff_truth",
    "remember",
    "replay_truth",
    "state_of",
]
