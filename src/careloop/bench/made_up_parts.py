"""Parts of made-up proof: what it is about, one way in which a condition can hold, states as resources say them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

Resource = dict[str, Any]
Condition = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class About:
    """What something is to be about: whose, when it happened, which matter ('' for a new one), the words of the matter,
    and the matter itself where it stands in the record."""

    patient: str
    at: datetime
    focus: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    itself: Resource | None = None

    @property
    def whose(self) -> Resource:
        """A reference to the patient."""
        return {"reference": f"Patient/{self.patient}"}

    @property
    def tied(self) -> list[Resource]:
        """The matter as a list of references; empty for a new one."""
        return [{"reference": self.focus}] if self.focus else []


def branch(condition: Condition, random: Random) -> dict[str, Any]:
    """One way in which the condition can hold: everything that must, and of each `any` one."""
    found = {name: value for name, value in condition.items() if name not in ("any", "all", "not")}
    parts = [*condition.get("all", ()), *([random.choice(condition["any"])] if "any" in condition else [])]
    for part in parts:
        more = branch(part, random)
        keys = {**found.get("key", {}), **more.get("key", {})}
        found |= more | ({"key": keys} if keys else {})
    return found


def filled(resource: Resource) -> Resource:
    """Without what is empty: a new matter is about no other."""
    return {name: value for name, value in resource.items() if value not in ([], {}, {"related": []})}


def alert_state(state: str) -> Resource:
    """What a DetectedIssue says in this state of its alert."""
    ends = {"coding": [{"system": "urn:careloop:alert-end", "code": "settled"}]}
    if state == "settled":
        return {"status": "final", "mitigation": [{"action": ends}]}
    return {"status": {"open": "preliminary", "withdrawn": "cancelled"}.get(state, "final")}


def answered(who: Resource, at: datetime) -> Resource:
    """What a question says that its owner answered with yes."""
    answer = {"type": {"coding": [{"system": "urn:careloop:question", "code": "answer"}]}, "valueBoolean": True}
    note = {"authorReference": who, "time": at.isoformat(), "text": "yes"}
    return {"owner": who, "output": [answer], "note": [note]}


def reached(state: str, at: datetime) -> Mapping[str, Any]:
    """A Task came into this state then."""
    parts = [{"url": "state", "valueCode": state}, {"url": "at", "valueDateTime": at.isoformat()}]
    return {"url": "urn:careloop:reached", "extension": parts}
