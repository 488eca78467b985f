"""What a row says when it fires."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from careloop.medications.findings import Kind, Reason, Tier
from careloop.medications.rules.compiled import CompiledRow, Safety
from careloop.medications.rules.situation import Entry


@dataclass(frozen=True, slots=True)
class Fired:
    """A row fires about these medicines."""

    entries: tuple[Entry, ...]
    reason: Reason


def reason_of(
    row: CompiledRow,
    kind: Kind,
    tier: Tier,
    safety: Safety,
    *,
    effect: str = "",
    action: str = "",
    notes: Sequence[str] = (),
    facts: Sequence[str] = (),
    review_on: date | None = None,
) -> Reason | None:
    """The reason with the site's tier; None where the site has switched the row off."""
    set_to = safety.tier(row.id, tier)
    if set_to is None:
        return None
    return Reason(
        rule=row.id,
        kind=kind,
        tier=set_to,
        effect=effect or str(row.row.get("effect", "")),
        action=action or str(row.row.get("action", "")),
        source=str(row.row["source"]),
        reviewed=row.row["reviewed"] is not None,
        notes=tuple(dict.fromkeys(one for one in notes if one)),
        facts=tuple(dict.fromkeys(facts)),
        review_on=review_on,
    )
