"""Patients whose cards stand on one page, in order."""

from collections.abc import Sequence
from datetime import datetime

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.loops", "cards.sql")


def patients(
    tx: Transaction,
    owner: str,
    now: datetime,
    *,
    flares: Sequence[str],
    boards: Sequence[str],
    after: int,
    most: int,
) -> list[str]:
    """Patients with a stay, a watch or a flare: those of `owner` (a loop or the lead is theirs), else everybody's."""
    asked = {"owner": owner, "now": now, "flares": list(flares), "boards": list(boards), "after": after, "most": most}
    return [row["patient_id"] for row in tx.rows(_SQL["mine" if owner else "everybodys"], asked)]
