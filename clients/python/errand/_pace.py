"""How many jobs a worker asks for: its free slots, and as many ahead as are done in a moment."""

from __future__ import annotations

AHEAD = 0.1  # seconds of work that is leased ahead
MAX_AHEAD = 1000  # jobs
WEIGHT = 0.05  # of the latest job in the average


class Pace:
    """The pace of a worker with so many slots."""

    def __init__(self, slots: int, lease_ahead: bool) -> None:
        self._slots = slots
        self._lease_ahead = lease_ahead
        self._mean: float | None = None  # seconds that a job takes, a moving average

    def measure(self, seconds: float) -> None:
        """A job has taken so long."""
        before = seconds if self._mean is None else self._mean
        self._mean = before + WEIGHT * (seconds - before)

    def slow_down(self) -> None:
        """Jobs take longer than thought: nothing ahead until they are short again."""
        self._mean = max(self._mean or 0.0, AHEAD)

    def wanted(self, held: int) -> int:
        """Jobs to ask for when there are so many; 0 while it would be only a few ahead."""
        ahead = self._ahead()
        if held >= self._slots + ahead or held > self._slots + ahead // 2:
            return 0
        return self._slots + ahead - held

    def _ahead(self) -> int:
        if not self._lease_ahead or self._mean is None or self._mean >= AHEAD:
            return 0
        return min(MAX_AHEAD, int(self._slots * AHEAD / max(self._mean, 1e-6)))
