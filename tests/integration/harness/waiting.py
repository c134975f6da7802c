"""Waiting for a condition, with a deadline instead of sleeps."""

import time

# Generous: sanitizer builds on busy machines are slow, and a passing test never waits for it.
DEADLINE_SECONDS = 60


def wait_until(condition, what, seconds=DEADLINE_SECONDS):
    """Calls condition until it gives something true, and returns that."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"still waiting after {seconds} s: {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
