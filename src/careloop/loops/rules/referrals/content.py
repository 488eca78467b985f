"""`content/referrals` as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from careloop.loops.rules.calendar import Span

Document = Mapping[str, Any]


class Content(Protocol):
    """What is needed of the catalog."""

    def document(self, kind: str, name: str) -> Document:
        """One checked document."""
        ...


@dataclass(frozen=True, kw_only=True)
class Clock:
    """How long a state may last: `within` (for some priorities another), or the priority's own clock `of`."""

    what: str
    within: Span | None = None
    of: str = ""
    by_priority: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class State:
    """A state of the fulfilment Task (referral-states.csv). `implied_by`: states that prove it."""

    id: str
    says: str
    request_status: str
    task_status: str
    moved_by: str
    next: tuple[str, ...]
    column: str = ""
    implied_by: frozenset[str] = frozenset()
    ended: bool = False
    clock: Clock | None = None


@dataclass(frozen=True, kw_only=True)
class Priority:
    """How soon (referral-priorities.csv). `rank` 0 is the most urgent."""

    id: str
    title: str
    fhir: str
    triage: Span
    schedule: Span
    see_by_days: int
    warm_handoff: str
    rank: int
    by_phone: bool = False


@dataclass(frozen=True, kw_only=True)
class RedFlag:
    """A reason that may not wait longer than `lowest` (RF-09)."""

    id: str
    says: str
    lowest: str
    words: tuple[str, ...]
    icd10: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Named:
    """Something to choose: a code, its words, and for a barrier the task that it makes and the code of its fix."""

    id: str
    title: str
    task: str = ""
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Everything that the rules need from content."""

    states: Mapping[str, State]
    priorities: Mapping[str, Priority]
    items: tuple[Named, ...]
    roles: tuple[Named, ...]
    red_flags: tuple[RedFlag, ...]
    report_parts: tuple[Named, ...]
    outcomes: tuple[Named, ...]
    barriers: tuple[Named, ...]
    recontact: Span
    no_shows: int
    no_show_decision: Span
    attempts: int
    channels: int
    attempt_days: int
    duplicate_days: int
    authorization_task: Span
    silent_reminders: int
    consultant_report: Mapping[str, str]
    consultant_report_set: str

    def priority_of(self, fhir: str) -> Priority:
        """The first priority with this FHIR word; routine where it says nothing we know."""
        found = [one for one in self.priorities.values() if one.fhir == (fhir or "routine")]
        return found[0] if found else self.priorities["routine"]


def read_tables(content: Content) -> Tables:
    """The tables of a checked catalog."""
    states = content.document("referrals", "states")["states"]
    priorities = content.document("referrals", "priorities")["priorities"]
    required = content.document("referrals", "required")
    reach, no_show = required["unable_to_reach"], required["no_show"]
    return Tables(
        states={item["id"]: _state(item) for item in states},
        priorities={item["id"]: _priority(item, rank) for rank, item in enumerate(priorities)},
        items=_named(required["items"]),
        roles=_named(required["roles"]),
        red_flags=tuple(_red_flag(item) for item in required["red_flags"]),
        report_parts=_named(required["report_parts"]),
        outcomes=_named(required["recommendation_outcomes"]),
        barriers=_named(no_show["barriers"]),
        recontact=span_of(no_show["recontact"]),
        no_shows=no_show["clinician_decides_after"],
        no_show_decision=span_of(no_show["clinician_within"]),
        attempts=reach["attempts"],
        channels=reach["channels"],
        attempt_days=reach["days"],
        duplicate_days=required["duplicates"]["within_days"],
        authorization_task=span_of(required["authorization"]["task_within"]),
        silent_reminders=required["reminders"]["suggest_another_after"],
        consultant_report=dict(required["consultant_report"]["ours"]),
        consultant_report_set=required["consultant_report"]["value_set"],
    )


def span_of(text: str) -> Span:
    """`2 business-days` as a value. The schema has checked its shape."""
    amount, unit = text.split()
    return Span(amount=int(amount), unit=unit if unit.endswith("s") else unit + "s")


def _state(item: Document) -> State:
    return State(
        id=item["id"],
        says=item["says"],
        request_status=item["request_status"],
        task_status=item["task_status"],
        moved_by=item["moved_by"],
        next=tuple(item["next"]),
        column=item.get("column", ""),
        implied_by=frozenset(item.get("implied_by", ())),
        ended=bool(item.get("ended", False)),
        clock=_clock(item["clock"]) if "clock" in item else None,
    )


def _clock(item: Document) -> Clock:
    return Clock(
        what=item["what"],
        within=span_of(item["within"]) if "within" in item else None,
        of=item.get("of", ""),
        by_priority={name: span_of(text) for name, text in item.get("by_priority", {}).items()},
    )


def _priority(item: Document, rank: int) -> Priority:
    return Priority(
        id=item["id"],
        title=item["title"],
        fhir=item["fhir"],
        triage=span_of(item["triage"]),
        schedule=span_of(item["schedule"]),
        see_by_days=item["see_by_days"],
        warm_handoff=item["warm_handoff"],
        rank=rank,
        by_phone=bool(item.get("by_phone", False)),
    )


def _red_flag(item: Document) -> RedFlag:
    return RedFlag(
        id=item["id"],
        says=item["says"],
        lowest=item["lowest"],
        words=tuple(item["words"]),
        icd10=tuple(item["icd10"]),
    )


def _named(items: Sequence[Document]) -> tuple[Named, ...]:
    return tuple(
        Named(id=item["id"], title=item["title"], task=item.get("task", ""), fix=item.get("fix", "")) for item in items
    )
