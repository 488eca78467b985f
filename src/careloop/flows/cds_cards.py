"""Cards of CDS Hooks 2.0: what is said to a clinician in another system, short and with its source. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final, Literal
from uuid import UUID, uuid5

from careloop.flows.patient_values import LoopCard
from careloop.loops.model import ClockState

MOST_SUMMARY: Final = 140
"""CDS Hooks 2.0, "Card Attributes": a summary has at most 140 characters."""
Indicator = Literal["info", "warning", "critical"]
_NAMESPACE = UUID("5b3c2f0e-3a53-4c4e-9a43-6a1e6d0c7a55")
_INDICATORS: Mapping[ClockState, Indicator] = {
    ClockState.ON_TIME: "info",
    ClockState.WAITING: "info",
    ClockState.DUE_SOON: "warning",
    ClockState.OVERDUE: "critical",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where links lead, and of which tenant a card is."""

    base: str
    tenant_id: int


def loop_card(place: Place, loop: LoopCard, zone: tzinfo) -> Mapping[str, Any]:
    """One open loop: what it is, the next step, when, who has it."""
    due = loop.due.astimezone(zone)
    late = loop.clock is ClockState.OVERDUE
    when = f"{'was due' if late else 'due'} {due:%a %-d %b}"
    owner = loop.owner_name or "nobody yet"
    link = {"label": "Open in Careloop", "type": "absolute"}
    return {
        **card(place, f"loop|{loop.loop_id}", f"{loop.title}: {loop.next_step}, {when}", _INDICATORS[loop.clock]),
        "detail": f"Next step: {plain(loop.next_step)}, {when}. Owner: {plain(owner)}.",
        "links": [{**link, "url": f"{place.base}/worklist?scope=all&loop={loop.loop_id}"}],
    }


def card(place: Place, about: str, summary: str, indicator: Indicator) -> dict[str, Any]:
    """A card whose id is always the same for the same thing, so that feedback about it can be told apart."""
    return {
        "uuid": str(uuid5(_NAMESPACE, f"{place.tenant_id}|{about}")),
        "summary": shortened(summary),
        "indicator": indicator,
        "source": {"label": "Careloop", "url": place.base},
    }


def shortened(text: str) -> str:
    """The text in at most 140 characters, on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MOST_SUMMARY else f"{flat[: MOST_SUMMARY - 1].rstrip()}…"


def plain(text: str) -> str:
    """A text that stands as it is in Markdown and leads nowhere."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()<>#+!|~" else letter for letter in " ".join(text.split()))


def days_ago(at: datetime, now: datetime, zone: tzinfo) -> str:
    """`today`, `1 day ago`, `9 days ago`, by the calendar of the practice."""
    days = (now.astimezone(zone).date() - at.astimezone(zone).date()).days
    if days <= 0:
        return "today"
    return "1 day ago" if days == 1 else f"{days} days ago"
