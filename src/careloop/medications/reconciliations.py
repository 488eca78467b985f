"""Comparisons that people are working on, and medicines on hold. Every write is part of the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries
from careloop.errors import Conflict
from careloop.medications.rules.reconciling.outcomes import Decision
from careloop.medications.rules.reconciling.values import Judged

_SQL = load_queries("careloop.medications", "reconciliations.sql")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One comparison as far as it was decided. `decisions` by row id: they hold for what was seen then, so one for a
    row that is no longer there counts for nothing."""

    id: str
    patient_id: str
    matter: str | None
    opened: datetime
    opened_by: str
    kept: bool = False
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    judged: Judged = field(default_factory=Judged)
    revision: int = 1
    saved: datetime | None = None
    saved_by: str = ""
    finished: datetime | None = None
    finished_by: str | None = None
    withdrawn: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A medicine that is not taken until a day, or until something is so (ME-08)."""

    statement: str
    patient_id: str
    reconciliation: str
    name: str
    until: date | None
    condition: str


def open_draft(tx: Transaction, patient_id: str) -> Draft | None:
    """The comparison that is under way, locked; None where nobody began one."""
    row = tx.one(_SQL["open_one"], {"patient_id": patient_id})
    return None if row is None else _draft(row)


def find(tx: Transaction, own_id: str) -> Draft | None:
    """A comparison by its id."""
    row = tx.one(_SQL["find"], {"id": own_id})
    return None if row is None else _draft(row)


def of_patient(tx: Transaction, patient_id: str) -> list[Draft]:
    """All comparisons, newest first."""
    return [_draft(row) for row in tx.rows(_SQL["of_patient"], {"patient_id": patient_id})]


def begin(tx: Transaction, own_id: str, patient_id: str, matter: str | None, now: datetime, by: str) -> Draft:
    """The comparison under way: this one, or the one that somebody else began first."""
    values = {"id": own_id, "patient_id": patient_id, "matter": matter, "now": now, "by": by}
    tx.execute(_SQL["begin"], values)
    found = open_draft(tx, patient_id)
    if found is None:
        raise Conflict("the comparison was finished meanwhile")
    return found


def save(tx: Transaction, draft: Draft, now: datetime, by: str) -> int:
    """What was chosen so far is kept; its new revision. `Conflict` where it was finished meanwhile."""
    judged = {"same": sorted(draft.judged.same), "two": sorted(draft.judged.two)}
    values = {"kept": draft.kept, "decisions": _json(draft.decisions), "judged": _json(judged)}
    row = tx.one(_SQL["save"], {**values, "id": draft.id, "matter": draft.matter, "now": now, "by": by})
    if row is None:
        raise Conflict("the comparison was finished meanwhile")
    return int(row["revision"])


def finish(tx: Transaction, own_id: str, now: datetime, by: str) -> None:
    """It is signed; `Conflict` where somebody was first."""
    if tx.one(_SQL["finish"], {"id": own_id, "now": now, "by": by}) is None:
        raise Conflict("the comparison was finished meanwhile")


def withdraw(tx: Transaction, own_id: str, now: datetime) -> bool:
    """What was signed counts no longer; False where it was withdrawn before. Its holds are over."""
    done = tx.one(_SQL["withdraw"], {"id": own_id, "now": now}) is not None
    tx.execute(_SQL["end_holds_of"], {"reconciliation": own_id, "now": now})
    return done


def put_hold(tx: Transaction, hold: Hold) -> None:
    """The hold stands."""
    tx.execute(_SQL["put_hold"], asdict(hold))


def end_holds(tx: Transaction, patient_id: str, now: datetime, *, but: Sequence[str]) -> None:
    """Every hold of the patient is over but these: a new comparison has decided about all medicines."""
    tx.execute(_SQL["end_holds"], {"patient_id": patient_id, "now": now, "but": list(but)})


def end_hold(tx: Transaction, statement: str, now: datetime) -> None:
    """Somebody decided about this one."""
    tx.execute(_SQL["end_hold"], {"statement": statement, "now": now})


def holds_due(tx: Transaction, today: date) -> list[Hold]:
    """Holds whose day is over and that nobody was asked about, locked (ME-08)."""
    return [Hold(**row) for row in tx.rows(_SQL["holds_due"], {"today": today})]


def holds_of(tx: Transaction, patient_id: str) -> list[Hold]:
    """What is on hold for this patient."""
    return [Hold(**row) for row in tx.rows(_SQL["holds_of"], {"patient_id": patient_id})]


def asked(tx: Transaction, statement: str, now: datetime) -> None:
    """Somebody was asked what follows."""
    tx.execute(_SQL["asked"], {"statement": statement, "now": now})


def _draft(row: Row) -> Draft:
    judged = row["judged"]
    return Draft(
        **{
            **row,
            "decisions": msgspec.convert(row["decisions"], dict[str, Decision]),
            "judged": Judged(same=frozenset(judged["same"]), two=frozenset(judged["two"])),
        }
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
