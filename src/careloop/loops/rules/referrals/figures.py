"""The closed-loop rate (referrals.md §2): of all referrals how many came to their end, and where the others stand.

Per referral and on any day, unlike CMS50. A referral that another one took the place of is not counted: the wait goes
on at the other clinic and is counted there (RF-07, decision 0261).
"""

from collections.abc import Iterable
from dataclasses import dataclass

CLOSED = "closed"
REDIRECTED = "redirected"
_ENDED = {
    "patient-declined": "The patient said no",
    "closed-no-contact": "Never reached",
    "closed-no-show": "Did not come",
    "cancelled": "Taken back by us",
}
_OPEN = {
    "to-send": "Not sent, or sent back",
    "no-answer": "No answer from the clinic",
    "accepted": "No date yet",
    "booked": "Visit ahead",
    "seen": "Seen, report not here or not whole",
    "report": "Report here, not read or patient not told",
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """So many referrals of a clinic that are in this state; `column` is where it stands on the board, '' for none."""

    state: str
    column: str
    clinic: str
    count: int


@dataclass(frozen=True, kw_only=True)
class ClosedLoops:
    """`closed` of `asked` referrals were seen, reported on, read and told (RF-05). `rest` says where the others are."""

    asked: int
    closed: int
    redirected: int
    rest: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float | None:
        """None, not 0, when nothing was asked (MS-03)."""
        return self.closed / self.asked if self.asked else None


def closed_loops(standing: Iterable[Standing]) -> ClosedLoops:
    """The rate over these referrals."""
    rest: dict[str, int] = {}
    asked = closed = redirected = 0
    for one in standing:
        if one.state == REDIRECTED:
            redirected += one.count
            continue
        asked += one.count
        if one.state == CLOSED:
            closed += one.count
            continue
        where = _ENDED.get(one.state) or _OPEN.get(one.column, "Ended without a report")
        rest[where] = rest.get(where, 0) + one.count
    ordered = [name for name in (*_OPEN.values(), *_ENDED.values(), "Ended without a report") if name in rest]
    return ClosedLoops(
        asked=asked, closed=closed, redirected=redirected, rest=tuple((name, rest[name]) for name in ordered)
    )
