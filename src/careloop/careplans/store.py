"""When plans are due to be looked at: one row a plan, so that a day's reviews are found without reading plans."""

from datetime import date

from careloop.db import Transaction, load_queries

_SQL = load_queries("careloop.careplans")


def keep_review(tx: Transaction, *, plan_id: str, patient_id: str, review_by: date | None, ended: bool) -> None:
    """The plan is due on that day; never, where it has none or has ended. A day that changed may be told again."""
    due = None if ended else review_by
    tx.execute(_SQL["keep_review"], {"plan": plan_id, "patient": patient_id, "due": due})


def reviews_due(tx: Transaction, today: date, limit: int) -> list[tuple[str, str]]:
    """Plan and patient of reviews whose day has passed and that nobody was told of, the longest due first."""
    rows = tx.rows(_SQL["reviews_due"], {"today": today, "limit": limit})
    return [(row["plan_id"], row["patient_id"]) for row in rows]


def note_told(tx: Transaction, plan_id: str) -> None:
    """Somebody was told that this plan is due."""
    tx.execute(_SQL["note_told"], {"plan": plan_id})


def others_changed(tx: Transaction, limit: int) -> list[tuple[str, str, str]]:
    """Plan, patient and what there is now, for plans that were held against other plans or goals than those."""
    rows = tx.rows(_SQL["others_changed"], {"limit": limit})
    return [(row["plan_id"], row["patient_id"], row["seen"]) for row in rows]


def note_seen(tx: Transaction, plan_id: str, seen: str) -> None:
    """The plan was held against these."""
    tx.execute(_SQL["note_seen"], {"plan": plan_id, "seen": seen})
