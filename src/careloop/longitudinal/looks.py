"""Who looked at which chart when: what a brief counts from."""

from datetime import datetime, timedelta

from careloop.db import Transaction
from careloop.longitudinal.store import SQL


def note(tx: Transaction, who: str, patient_id: str, now: datetime, same: timedelta) -> datetime | None:
    """`who` looks at the chart now. The look before this one; None where there was none. What is at most `same` apart
    is one look, so that a page drawn again tells the same."""
    since: datetime | None = tx.value(
        SQL["note_look"], {"who": who, "patient_id": patient_id, "now": now, "same": same}
    )
    return since
