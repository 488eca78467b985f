"""How long a failed delivery waits, and when it is given up. Pure."""

from datetime import timedelta

GIVE_UP_AFTER = timedelta(hours=72)
"""security.md section 2: outgoing events are retried for 72 hours."""
_FIRST_SECONDS = 1
_LONGEST = timedelta(minutes=30)


def pause_after(failures: int, chance: float) -> timedelta:
    """The pause after so many failures in a row: twice as long each time up to half an hour, of which `chance` (0 to 1)
    decides over the upper half, so that many senders do not come back at the same instant."""
    whole = min(timedelta(seconds=_FIRST_SECONDS << min(max(failures, 1) - 1, 20)), _LONGEST)
    return whole / 2 + whole / 2 * chance
