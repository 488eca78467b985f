"""What must be true of teams, as questions to the database; the answer should always be: nothing."""

from collections.abc import Sequence
from datetime import datetime

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.teams", "verify.sql")
_EXPECTED = {
    "without_lead": "a lead coordinator for whoever has an open loop (PG-01)",
    "broken_leads": "one lead coordinator at every moment, each beginning where the one before ended",
    "lead_of_joined": "no lead of a patient who is joined with another: the survivor's leads (TR-09, PG-01)",
    "lead_who_left": "the queue, or an active member of the staff, as lead coordinator",
    "overslept_leave": "no leave that should have begun or ended an hour ago",
    "unowned_decision": "every item of a conference that is over decided or put off",
}


def verify_teams(
    tx: Transaction, *, queue: str, staff: Sequence[str], joined: Sequence[str], now: datetime
) -> list[tuple[str, str]]:
    """(place, what should be true there) of everything that is wrong in one tenant. `joined`: patients who were merged
    into others."""
    parameters = {"queue": queue, "staff": list(staff), "joined": list(joined), "now": now}
    return [
        (f"Patient/{row['patient_id']} ({rule})", expected)
        for rule, expected in _EXPECTED.items()
        for row in tx.rows(_SQL[rule], parameters)
    ]
