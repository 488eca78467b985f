"""What is expected from outside and has not arrived, across all kinds of loops."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.loops", "expected.sql")


@dataclass(frozen=True, kw_only=True)
class ExpectedStep:
    """An open step that somebody outside has to fill."""

    loop_id: str
    number: int
    pathway: str
    patient_id: str
    focus: str
    about: str
    step_id: str
    due: datetime
    owner: str
    clock: str


def expected_steps(
    tx: Transaction, steps: Sequence[tuple[str, str]], *, until: datetime, limit: int
) -> list[ExpectedStep]:
    """Open steps of these (pathway, step), due until then, the most urgent first."""
    values = {"pathways": [one for one, _ in steps], "steps": [one for _, one in steps]}
    rows = tx.rows(_SQL["expected_steps"], {**values, "until": until, "limit": limit})
    return [ExpectedStep(**{**row, "about": row["about"] or ""}) for row in rows]
