"""One patient's record as a timeline: pure, from FHIR resources to lines of text with their source.

Up to four loops draw a thread from the event that opened them through each proof to the event that closed them
(ui.md §7.2). The thread is decoration: every event says the same in words.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any

from careloop.flows.contact_words import minutes_of, words_of
from careloop.longitudinal import Knowing, Matter

Resource = Mapping[str, Any]
Knows = Callable[[Matter], tuple[Knowing, ...]]

_NOTE = "34109-9"
_CLASSES = {"IMP": "hospital", "ACUTE": "hospital", "NONAC": "hospital", "OBSENC": "hospital", "EMER": "emergency"}
_OUTPATIENT_ICONS = {"VR": "video", "HH": "house"}


@dataclass(frozen=True, kw_only=True)
class ThreadMark:
    """Where one thread touches one event: it passes, starts (hollow), proves or ends (solid)."""

    thread: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the timeline. `reference` is `Type/id`; `source` says who told us, `knows` who still has to know, in
    words; `also` counts the other facts of the same matter that this line stands for."""

    at: datetime
    kind: str
    icon: str
    title: str
    detail: str
    source: str
    reference: str
    marks: tuple[ThreadMark, ...] = ()
    knows: tuple[Knowing, ...] = ()
    document_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Thread:
    """One loop on the timeline, by number 1 to 4."""

    number: int
    title: str
    loop_id: str
    opened_by: str
    proofs: frozenset[str]
    is_open: bool


@dataclass
class _Context:
    names: Mapping[str, str] = field(default_factory=dict)


def events_of(resources: Iterable[Resource], names: Mapping[str, str]) -> list[Event]:
    """All events, newest first. `names` gives a display for each `Type/id` that events may cite."""
    context = _Context(names=names)
    events: list[Event] = []
    for resource in resources:
        reader = _READERS.get(resource["resourceType"])
        if reader and resource.get("status") != "entered-in-error":
            events.extend(reader(resource, context))
    return sorted(events, key=lambda event: (event.at, event.reference), reverse=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An event that stands for its matter (None: it is no fact); `opens` where another line is its end."""

    event: Event
    matter: Matter | None
    opens: bool = False

    def told(self, knows: Knows) -> Event:
        """The event with everybody who told it, and who still has to know."""
        if self.matter is None:
            return self.event
        return _told(self.event, self.matter, () if self.opens else knows(self.matter))


def folded_lines(events: Iterable[Event], matters: Iterable[Matter]) -> list[Line]:
    """One line for each matter, though several sources told it."""
    by_reference = {fact.reference: matter for matter in matters for fact in matter.facts}
    events = list(events)
    ended = {event.reference for event in events if "#" not in event.reference}
    kept: list[Line] = []
    for event in events:
        own = event.reference.partition("#")[0]
        matter = by_reference.get(own)
        if matter is None:
            kept.append(Line(event=event, matter=None))
        elif matter.shown.reference == own:
            kept.append(Line(event=event, matter=matter, opens="#" in event.reference and own in ended))
    return kept


def _told(event: Event, matter: Matter, knows: tuple[Knowing, ...]) -> Event:
    sources = matter.sources
    stated = [one.name for one in sources if one.kind.value != "unknown"]
    said = stated[0] if stated else event.source or sources[0].name
    if event.source and event.source not in said:
        said = f"{event.source}, from {said}"
    more = f" and {len(stated) - 1} more" if len(stated) > 1 else ""
    return replace(event, source=said + more, knows=knows, document_id=matter.shown.id if _is_document(matter) else "")


def _is_document(matter: Matter) -> bool:
    return matter.shown.type == "DocumentReference"


@dataclass(frozen=True, kw_only=True)
class Span:
    """Where a thread runs among the events: from the line `first` to `last`, touching some of them."""

    thread: int
    first: int
    last: int
    touched: frozenset[int]

    def mark(self, place: int) -> ThreadMark | None:
        """What the thread does at that line."""
        if not self.first <= place <= self.last:
            return None
        kind = "start" if place == self.last else "proof" if place in self.touched else "pass"
        return ThreadMark(thread=self.thread, kind=kind)


def spans_of(events: Sequence[Event], threads: Sequence[Thread]) -> list[Span]:
    """Where each thread runs among the events, newest first; a thread that touches none is left out."""
    places: dict[str, list[int]] = {}
    for place, event in enumerate(events):
        places.setdefault(event.reference, []).append(place)
    spans: list[Span] = []
    for thread in threads:
        opened = thread.opened_by if thread.opened_by in places else f"Task/{thread.loop_id}#opened"
        named = {opened, *thread.proofs}
        touched = frozenset(place for reference in named for place in places.get(reference, ()))
        if touched:
            first = 0 if thread.is_open else min(touched)
            spans.append(Span(thread=thread.number, first=first, last=max(touched), touched=touched))
    return spans


def marks_at(spans: Sequence[Span], place: int) -> tuple[ThreadMark, ...]:
    """What the threads do at one line, in their order."""
    return tuple(mark for span in spans if (mark := span.mark(place)) is not None)


def instant_of(text: str | None) -> datetime | None:
    """The instant of a FHIR dateTime; a date or a month counts from its start, in UTC. None when there is none."""
    if not text:
        return None
    if len(text) <= 10:
        parts = [int(part) for part in text.split("-")]
        return datetime.combine(date(*[*parts, 1, 1][:3]), time(), UTC)
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def text_of(concept: Resource | None) -> str:
    """What a CodeableConcept says: its text, else the first display, else the code."""
    if not concept:
        return ""
    coding = (concept.get("coding") or [{}])[0]
    return str(concept.get("text") or coding.get("display") or coding.get("code") or "")


def _reference(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _encounter(resource: Resource, context: _Context) -> Iterable[Event]:
    period = resource.get("period", {})
    place = _place(resource, context)
    where = _CLASSES.get(resource.get("class", {}).get("code", ""))
    reason = ", ".join(text_of(concept) for concept in resource.get("reasonCode", [])[:2])
    start, end = instant_of(period.get("start")), instant_of(period.get("end"))
    if where is None:
        if start:
            yield _visit(resource, start, reason, place)
        return
    if start:
        title = "Came to the emergency room" if where == "emergency" else "Went into hospital"
        yield Event(
            at=start,
            kind="hospital",
            icon="log-in",
            title=title,
            detail=reason or place,
            source=place,
            reference=_reference(resource) + "#start",
        )
    if end and resource.get("status") == "finished":
        yield Event(
            at=end,
            kind="hospital",
            icon="log-out",
            title=_left(where, start, end),
            detail=reason,
            source=place,
            reference=_reference(resource),
        )


def _visit(resource: Resource, start: datetime, reason: str, place: str) -> Event:
    code = resource.get("class", {}).get("code", "")
    title = ", ".join(text_of(concept) for concept in resource.get("type", [])[:1]) or "Visit"
    done = {"finished": "", "planned": "Booked. ", "cancelled": "Cancelled. "}.get(resource.get("status", ""), "")
    return Event(
        at=start,
        kind="contact",
        icon=_OUTPATIENT_ICONS.get(code, "stethoscope"),
        title=title,
        detail=done + reason,
        source=place,
        reference=_reference(resource),
    )


def _left(where: str, start: datetime | None, end: datetime) -> str:
    if where == "emergency":
        return "Left the emergency room"
    if start is None:
        return "Went home from hospital"
    days = (end.date() - start.date()).days
    return f"Went home after {days} {'day' if days == 1 else 'days'} in hospital" if days else "Went home the same day"


def _place(resource: Resource, context: _Context) -> str:
    provider = resource.get("serviceProvider", {})
    return str(provider.get("display") or context.names.get(provider.get("reference", ""), ""))


def _communication(resource: Resource, context: _Context) -> Iterable[Event]:
    at = instant_of(resource.get("sent") or resource.get("received"))
    if at is None:
        return
    note = " ".join(note.get("text", "") for note in resource.get("note", []))
    payload = " ".join(part.get("contentString", "") for part in resource.get("payload", []))
    sender = context.names.get(resource.get("sender", {}).get("reference", ""), "")
    words = words_of(resource)
    yield Event(
        at=at,
        kind="contact",
        icon=words.icon,
        title=words.title,
        detail=f"{note or payload} {words.more}".strip(),
        source=_with_minutes(sender, resource),
        reference=_reference(resource),
    )


def _with_minutes(sender: str, resource: Resource) -> str:
    minutes = minutes_of(resource)
    return f"{sender} · {minutes} min" if minutes else sender


def _document(resource: Resource, context: _Context) -> Iterable[Event]:
    at = instant_of(resource.get("date"))
    if at:
        author = (resource.get("author") or [{}])[0]
        codes = {coding.get("code") for coding in (resource.get("type") or {}).get("coding", ())}
        name = str(author.get("display") or context.names.get(author.get("reference", ""), ""))
        yield Event(
            at=at,
            kind="document",
            icon="pen-line" if _NOTE in codes else "file-text",
            title="Note" if _NOTE in codes else f"{text_of(resource.get('type')) or 'Document'} arrived",
            detail=str(resource.get("description", "")),
            source=name,
            reference=_reference(resource),
        )


def _report(resource: Resource, context: _Context) -> Iterable[Event]:
    at = instant_of(resource.get("effectiveDateTime") or resource.get("issued"))
    if at:
        yield Event(
            at=at,
            kind="result",
            icon="flask-conical",
            title=text_of(resource.get("code")) or "Report",
            detail=str(resource.get("conclusion") or f"Status {resource.get('status', 'unknown')}"),
            source="",
            reference=_reference(resource),
        )


def _observation(resource: Resource, context: _Context) -> Iterable[Event]:
    categories = {
        coding.get("code") for concept in resource.get("category", []) for coding in concept.get("coding", [])
    }
    at = instant_of(resource.get("effectiveDateTime") or resource.get("issued"))
    quantity = resource.get("valueQuantity")
    if at is None or quantity is None or "laboratory" not in categories:
        return
    flags = ", ".join(text_of(concept) for concept in resource.get("interpretation", []))
    value = f"{quantity.get('value')} {quantity.get('unit', '')}".strip()
    yield Event(
        at=at,
        kind="result",
        icon="flask-conical",
        title=f"{text_of(resource.get('code'))} {value}",
        detail=flags,
        source="Laboratory",
        reference=_reference(resource),
    )


def _medicine(resource: Resource, context: _Context) -> Iterable[Event]:
    at = instant_of(resource.get("authoredOn"))
    if at:
        requester = resource.get("requester", {})
        name = str(requester.get("display") or context.names.get(requester.get("reference", ""), ""))
        dosage = (resource.get("dosageInstruction") or [{}])[0].get("text", "")
        yield Event(
            at=at,
            kind="medicine",
            icon="pill",
            title=f"{text_of(resource.get('medicationCodeableConcept'))} prescribed",
            detail=str(dosage),
            source=name,
            reference=_reference(resource),
        )


def _procedure(resource: Resource, context: _Context) -> Iterable[Event]:
    at = instant_of(resource.get("performedDateTime") or resource.get("performedPeriod", {}).get("start"))
    if at and resource.get("status") == "completed":
        yield Event(
            at=at,
            kind="contact",
            icon="clipboard-check",
            title=text_of(resource.get("code")) or "Procedure",
            detail="",
            source="",
            reference=_reference(resource),
        )


def _loop(resource: Resource, context: _Context) -> Iterable[Event]:
    if resource.get("partOf") or not is_loop(resource):
        return
    period = resource.get("executionPeriod", {})
    title, opened, closed = (
        text_of(resource.get("code")),
        instant_of(period.get("start")),
        instant_of(period.get("end")),
    )
    if opened:
        yield Event(
            at=opened,
            kind="loop",
            icon="circle-dashed",
            title=f"Loop opened: {title}",
            detail="",
            source="Careloop",
            reference=_reference(resource) + "#opened",
        )
    if closed:
        why = text_of(resource.get("statusReason")) or "every step is done"
        yield Event(
            at=closed,
            kind="loop",
            icon="circle-check",
            title=f"Loop closed: {title}",
            detail=why,
            source="Careloop",
            reference=_reference(resource) + "#closed",
        )


def is_loop(task: Resource) -> bool:
    """True for a Task that is a loop of ours, not a step and not another system's task."""
    return any(coding.get("system") == "urn:careloop:pathway" for coding in task.get("code", {}).get("coding", []))


_READERS: Mapping[str, Callable[[Resource, _Context], Iterable[Event]]] = {
    "Encounter": _encounter,
    "Communication": _communication,
    "DocumentReference": _document,
    "DiagnosticReport": _report,
    "Observation": _observation,
    "MedicationRequest": _medicine,
    "Procedure": _procedure,
    "Task": _loop,
}
EVENT_TYPES = tuple(_READERS)
