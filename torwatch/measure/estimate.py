"""What an estimator gives: an estimate with its interval, or a refusal with the reason."""

from __future__ import annotations

from dataclasses import dataclass

Z_95 = 1.959963984540054  # 97.5th percentile of the normal distribution


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % limits (None: the method gives none) and the name of the method."""

    value: float
    low: float | None
    high: float | None
    method: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A figure that the data cannot carry, and why, in English and in Dutch."""

    method: str
    reason: str
    dutch: str = ""

    def told(self, language: str) -> str:
        """The reason in a language (`nl`, else English)."""
        return self.dutch or self.reason if language == "nl" else self.reason
