"""How some loops and steps stand, in one query: for those who were told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careloop.db import Row, Transaction, load_queries

_SQL = load_queries("careloop.loops", "outlook.sql")


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A loop, or one of its steps where one was asked for and stands.

    `due` and `ended` are of the step, else of the loop. `proof`: it ended by proof. `owner` had it last.
    """

    number: int
    pathway: str
    focus: str
    patient_id: str
    owner: str
    due: datetime
    ended: datetime | None
    proof: bool
    status: str


def outlooks(tx: Transaction, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Outlook]:
    """By (loop id, step id; '' for the loop). What is not there is left out."""
    wanted = sorted(set(asked))
    if not wanted:
        return {}
    rows = tx.rows(_SQL["outlooks"], {"loops": [loop for loop, _ in wanted], "steps": [step for _, step in wanted]})
    return {(row["loop_id"], row["step_id"]): _outlook(row) for row in rows}


def _outlook(row: Row) -> Outlook:
    of_step = row["step_status"] is not None
    return Outlook(
        number=row["number"],
        pathway=row["pathway"],
        focus=row["focus"],
        patient_id=row["patient_id"],
        owner=row["step_owner"] if of_step else row["owner"],
        due=row["step_due"] if of_step else row["deadline"],
        ended=row["step_ended"] if of_step else row["closed"],
        proof=bool(row["step_proof"]) if of_step else row["loop_status"] == "completed",
        status=row["step_status"] if of_step else row["loop_status"],
    )
