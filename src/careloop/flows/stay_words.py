"""Where stays are and why, in words for boards: the hospital's name, the bed, the reason. Read at once for many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.db import Transaction
from careloop.flows.app import App


@dataclass(frozen=True, kw_only=True)
class StayWords:
    """What is known of one stay; empty where nobody said it."""

    hospital: str
    bed: str
    reason: str


def stay_words(app: App, tx: Transaction, stays: Mapping[str, Mapping[str, Any]]) -> dict[str, StayWords]:
    """The words of these encounters, by the same keys. A hospital has the name that its Organization has now: one that
    was named in the settings of the feed after the patient came is shown by that name. Not audited."""
    wanted = sorted({_provider(stay).partition("/_history")[0] for stay in stays.values()})
    known = app.record.fetch(tx, [one for one in wanted if one.startswith("Organization/")])
    names = {reference: str(stored.resource.get("name", "")) for reference, stored in known.items()}
    return {
        key: StayWords(
            hospital=names.get(_provider(stay), "") or str((stay.get("serviceProvider") or {}).get("display", "")),
            bed=_bed(stay.get("location") or ()),
            reason=_reason(stay),
        )
        for key, stay in stays.items()
    }


def _provider(stay: Mapping[str, Any]) -> str:
    return str((stay.get("serviceProvider") or {}).get("reference", ""))


def _bed(locations: Sequence[Mapping[str, Any]]) -> str:
    """The last place with a name."""
    names = [str((entry.get("location") or {}).get("display", "")) for entry in locations]
    return next((name for name in reversed(names) if name), "")


def _reason(stay: Mapping[str, Any]) -> str:
    """The first reason in words."""
    for concept in stay.get("reasonCode", ()):
        shown = (str(coding.get("display", "")) for coding in concept.get("coding", ()))
        found = str(concept.get("text") or next((one for one in shown if one), ""))
        if found:
            return found
    return ""
