"""Time as rules meet it: every comparison with now is asked here, so that the next change is known by construction."""

from datetime import datetime, timedelta

from careloop.loops.rules.calendar import INSTANT

AHEAD = timedelta(hours=24)
"""An event dated further ahead than this is kept but counts only from its time (interface.md §4, Deadlines)."""


class Moments:
    """Answers questions about `now` and remembers the next instant at which an answer would change.

    The law: whatever was decided by asking only these questions holds unchanged from `now` until just before `next`.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._next: datetime | None = None

    @property
    def next(self) -> datetime | None:
        """The first instant after `now` at which an answer given here changes; None when none ever will."""
        return self._next

    def reached(self, at: datetime) -> bool:
        """True from `at` on."""
        if self.now >= at:
            return True
        self._note(at)
        return False

    def passed(self, at: datetime) -> bool:
        """True once `at` is over: a deadline is missed only after it."""
        return self.reached(at + INSTANT)

    def has_turned(self, at: datetime) -> bool:
        """True from `at` on. Not remembered: whoever asks keeps the instant among what the step has `ahead`, or asks
        only before there is a loop."""
        return self.now >= at

    def counts(self, at: datetime, recorded: datetime | None = None) -> bool:
        """True when an event dated `at` may have effects now.

        Clocks of senders differ, so up to 24 hours ahead counts at once. What was dated further ahead when it was
        recorded counts from its time; without a time of recording, from 24 hours before it.
        """
        if self.now >= at:
            return True
        if recorded is not None and at - recorded > AHEAD:
            return self.reached(at)
        return self.reached(at - AHEAD)

    def _note(self, at: datetime) -> None:
        if self._next is None or at < self._next:
            self._next = at
