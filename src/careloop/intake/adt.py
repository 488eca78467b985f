"""A message in the words of FHIR: who, which visit, what happened when, what else it says. Nothing is looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from careloop.errors import Rejected
from careloop.fhir.ids import derived_id
from careloop.intake import datatypes, places
from careloop.intake.checks import envelope_of, groups
from careloop.intake.datatypes import Context, Json, Rule, uri_part
from careloop.intake.facts import Place, make
from careloop.intake.header import beside, header
from careloop.intake.hl7v2 import Message, Segment, Value
from careloop.intake.mapping import Mappings, fill, nested
from careloop.intake.model import Effect, Envelope, Feed
from careloop.intake.timestamps import Moment, moment

_ADMIT_TIMED = (Effect.ADMIT, Effect.REGISTER)
_TYPE = {
    "VN": {"coding": [{"system": datatypes.TYPES, "code": "VN"}], "text": "visit number"},
    "AN": {"coding": [{"system": datatypes.TYPES, "code": "AN"}]},
}


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One visit as one event tells it. `content` is what the fold reads (`StayEvent.content`)."""

    system: str
    value: str
    content: Mapping[str, Any]
    prior_identifiers: tuple[Json, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person of a message. `patient` holds Patient elements by name, None where the sender deletes one."""

    identifiers: tuple[Json, ...]
    patient: Mapping[str, Any]
    related: tuple[Json, ...] = ()
    allergies: tuple[Json, ...] = ()
    conditions: tuple[Json, ...] = ()
    prior_identifiers: tuple[Json, ...] = ()
    visits: tuple[Visit, ...] = ()
    facts: tuple[Json, ...] = ()
    """Whole resources with their ids; the person they belong to stands as `facts.PATIENT`."""


@dataclass(frozen=True, kw_only=True)
class AdtMessage:
    """Everything that a message says. `made` are practitioners, places and organizations that it names; `header` are
    the MessageHeader and the sender's software, to stand in the Provenance; `unread` are the fields that no map reads.
    """

    envelope: Envelope
    effect: Effect
    at: Moment
    recorded: datetime
    people: tuple[Person, ...]
    made: Mapping[str, Json] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    header: tuple[Json, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    """Elements that the event segment adds to the Provenance."""
    unread: tuple[str, ...] = ()


def understand(message: Message, mappings: Mappings, feed: Feed, tenant_id: int, received: datetime) -> AdtMessage:
    """The facts of a message that passed the checks. `Rejected` where a field that decides cannot be used."""
    envelope = envelope_of(message)
    structure = mappings.structure(envelope.message_type, envelope.event)
    if structure is None:
        raise Rejected(at="MSH-9", expected="a message of a type and event that we take", code="not-supported")
    effect = mappings.effect(envelope.message_type, envelope.event)
    context = Context(
        tenant_id=tenant_id, facility=envelope.facility or envelope.application, feed=feed, tables=mappings.tables
    )
    recorded = _recorded(message, feed.zone)
    at = _event_time(message, effect, feed.zone) or recorded or Moment(received, _text(received))
    reader = _Reader(context, mappings, effect, at, recorded)
    people = [reader.person(group) for group in groups(message)]
    made = make(structure, message, [_place_of(person, tenant_id) for person in people], mappings, context)
    for number, facts in made.resources.items():
        if number < len(people):
            people[number] = _with_facts(people[number], facts)
    contained, said_beside = header(message, mappings, context), beside(message, mappings, context)
    return AdtMessage(
        envelope=envelope,
        effect=effect,
        at=at,
        recorded=recorded.instant if recorded else received,
        people=tuple(people),
        made=context.made,
        notes=(*message.notes, *dict.fromkeys(context.notes)),
        header=contained,
        beside=said_beside,
        unread=tuple(made.unread),
    )


def _with_facts(person: Person, facts: Sequence[Json]) -> Person:
    """The person with these resources; their account and episode are told of each visit too."""
    told = {
        name: [{"reference": f"{kind}/{one['id']}"} for one in facts if one["resourceType"] == kind]
        for name, kind in (("account", "Account"), ("episodeOfCare", "EpisodeOfCare"))
    }
    links = {name: found for name, found in told.items() if found}
    visits = tuple(
        replace(visit, content={**visit.content, "fields": {**visit.content["fields"], **links}})
        for visit in person.visits
    )
    return replace(person, facts=tuple(facts), visits=visits if links else person.visits)


def _place_of(person: Person, tenant_id: int) -> Place:
    """What facts of a person refer to: the first number, the first visit."""
    first = next((f"{one['system']}|{one['value']}" for one in person.identifiers), "")
    visit = next((derived_id(tenant_id, "encounter", one.system, one.value) for one in person.visits), None)
    return Place(number=first, encounter_id=visit)


class _Reader:
    """Reads the segments of one person; holds what all readings of one message share."""

    def __init__(
        self, context: Context, mappings: Mappings, effect: Effect, at: Moment, recorded: Moment | None
    ) -> None:
        self._context = context
        self._mappings = mappings
        self._effect = effect
        self._at = at
        self._recorded = recorded

    def person(self, group: Sequence[Segment]) -> Person:
        """Everything one PID and its following segments say."""
        patient = self._fill("patient", _by_name(group))
        identifiers = tuple(patient.get("identifier") or ())
        more = [one for one in patient.pop("moreIdentifiers", None) or () if one not in identifiers]
        if identifiers and more:
            patient["identifier"] = [*identifiers, *more]
        return Person(
            identifiers=identifiers,
            patient=patient,
            related=self._each("related-person", "NK1", group),
            allergies=self._each("allergy-intolerance", "AL1", group),
            conditions=self._conditions(group),
            prior_identifiers=self._prior(group),
            visits=tuple(self._visits(group)),
        )

    def _fill(self, map_id: str, segments: Mapping[str, Sequence[Segment]]) -> Json:
        return fill(self._mappings.segments[map_id], segments, self._context)

    def _each(self, map_id: str, name: str, group: Sequence[Segment]) -> tuple[Json, ...]:
        mapping = self._mappings.segments[map_id]
        found = []
        for segment in group:
            if segment.name == name:
                elements = nested(self._fill(map_id, {name: [segment]}))
                wanted = ("name", "telecom", "address") if name == "NK1" else ("code",)
                if any(elements.get(one) for one in wanted):
                    found.append({"resourceType": mapping.resource, **mapping.constants, **elements})
        return tuple(found)

    def _conditions(self, group: Sequence[Segment]) -> tuple[Json, ...]:
        found = []
        segments = [segment for segment in group if segment.name == "DG1"]
        for segment in segments:
            made = self._each("condition", "DG1", [segment])
            for condition in made:
                role = self._mappings.tables["diagnosis-use"].of(segment.text(6))
                rank = segment.text(15)
                deleted = segment.text(21).upper() == "D"
                found.append({"resource": condition, "use": role, "rank": rank, "deleted": deleted})
        return tuple(found)

    def _prior(self, group: Sequence[Segment]) -> tuple[Json, ...]:
        for segment in group:
            if segment.name == "MRG":
                found = self._identifiers(segment, 1) or self._identifiers(segment, 4)
                if found:
                    return found
        return ()

    def _identifiers(self, segment: Segment, number: int) -> tuple[Json, ...]:
        plain = Rule(address=f"{segment.name}-{number}")
        made = (datatypes.identifier(value, plain, self._context) for value in segment.values(number))
        return tuple(one for one in made if one)

    def _visits(self, group: Sequence[Segment]) -> list[Visit]:
        """The visits of a person: usually one PV1; in A45 each PV1 with the MRG before it."""
        visits, prior = [], None
        pid = group[0]
        for index, segment in enumerate(group):
            if segment.name == "MRG":
                prior = segment
            if segment.name == "PV1":
                pv2 = next((one for one in group[index + 1 :] if one.name in ("PV2", "PV1")), None)
                visit = self._visit(pid, segment, pv2 if pv2 is not None and pv2.name == "PV2" else None, prior)
                if visit:
                    visits.append(visit)
        if not visits and prior is not None and self._effect is Effect.MOVE_VISIT:
            visit = self._visit(pid, Segment("PV1", ("PV1",), pid.delimiters), None, prior)
            visits += [visit] if visit else []
        return visits

    def _visit(self, pid: Segment, pv1: Segment, pv2: Segment | None, prior: Segment | None) -> Visit | None:
        number = self._visit_number(pid, pv1, prior)
        if number is None:
            return None
        segments = {"PV1": [pv1], "PV2": [pv2] if pv2 else [], "PID": [pid]}
        return Visit(
            system=number["system"],
            value=number["value"],
            content=self._content(number, pv1, segments),
            prior_identifiers=self._identifiers(prior, 1) if prior and self._effect is Effect.MOVE_VISIT else (),
        )

    def _visit_number(self, pid: Segment, pv1: Segment, prior: Segment | None) -> Json | None:
        """PV1-19, else PID-18 (TR-01); in A45 the visit that moves (MRG-5) first. A person event without PV1-19 that
        merely repeats the account number names no visit."""
        moved = prior if self._effect is Effect.MOVE_VISIT else None
        wanted: list[tuple[Value, str]] = [(pv1.value(19), "VN"), (pid.value(18), "AN")]
        if moved is not None:
            wanted = [(moved.value(5), "VN"), *wanted]
        if not pv1.raw(2) and not pv1.raw(44) and moved is None:
            wanted = wanted[:1]
        for value, kind in wanted:
            number = value.component(1).strip()
            if number and number != '""':
                system = self._context.authority(value) or f"urn:careloop:visit:{uri_part(self._context.facility)}"
                return {"system": system, "value": number, "type": _TYPE[kind]}
        return None

    def _content(self, number: Json, pv1: Segment, segments: Mapping[str, Sequence[Segment]]) -> Json:
        fields = self._fill("encounter", segments)
        fields["identifier"] = [
            number,
            *(one for one in fields.get("identifier") or [] if one["value"] != number["value"]),
        ]
        organization = places.organization(self._context)
        if organization:
            fields["serviceProvider"] = organization
        disposition, text = self._disposition(pv1)
        content = {
            "at": self._at.text,
            "recorded": self._recorded.text if self._recorded else None,
            "class": self._class(pv1),
            "admit": self._time(pv1, 44) or self._expected(segments),
            "discharge": self._time(pv1, 45),
            "disposition": disposition,
            "disposition_text": text,
            "location": places.place(pv1.value(3), self._context) if pv1.raw(3) else None,
            "fields": fields,
        }
        return {key: value for key, value in content.items() if value is not None}

    def _class(self, pv1: Segment) -> str | None:
        """TR-02: the patient type (PV1-18) may say observation; else PV1-2; a site's own maps come first."""
        tables, feed = self._mappings.tables, self._context.feed
        kind, own = pv1.text(18).upper(), pv1.text(2).upper()
        mapped = feed.patient_types.get(kind) or feed.classes.get(own)
        if mapped:
            return mapped
        observed = tables["patient-type"].of(kind) if kind and own != "E" else None
        return observed or (tables["patient-class"].of(own) if own else None)

    def _disposition(self, pv1: Segment) -> tuple[str | None, str | None]:
        """The NUBC code of PV1-36 by the feed's map, else where the site sends NUBC itself; and the site's own word."""
        own = pv1.text(36)
        if not own or own == '""':
            return None, None
        mapped = self._context.feed.dispositions.get(own)
        return mapped or self._mappings.tables["discharge-disposition"].of(own), pv1.text(36, 2) or own

    def _expected(self, segments: Mapping[str, Sequence[Segment]]) -> str | None:
        """When somebody is to come, of a stay that is planned: PV2-8, the expected admit time."""
        text = segments["PV2"][0].text(8) if self._effect is Effect.PREADMIT and segments["PV2"] else ""
        return moment(text, self._context.feed.zone, "PV2-8").text if text and text != '""' else None

    def _time(self, pv1: Segment, number: int) -> str | None:
        text = pv1.text(number)
        return moment(text, self._context.feed.zone, f"PV1-{number}").text if text and text != '""' else None


def _event_time(message: Message, effect: Effect, zone: str) -> Moment | None:
    """TR-03: EVN-6; else PV1-44 of an admit or PV1-45 of a discharge; else EVN-2; else MSH-7."""
    evn, pv1 = message.first("EVN"), message.first("PV1")
    choices: list[tuple[Segment | None, int]] = [(evn, 6)]
    if effect in _ADMIT_TIMED:
        choices.append((pv1, 44))
    if effect is Effect.DISCHARGE:
        choices.append((pv1, 45))
    return _first_time([*choices, (evn, 2), (message.msh, 7)], zone)


def _recorded(message: Message, zone: str) -> Moment | None:
    return _first_time([(message.first("EVN"), 2), (message.msh, 7)], zone)


def _first_time(choices: Sequence[tuple[Segment | None, int]], zone: str) -> Moment | None:
    for segment, number in choices:
        text = segment.text(number) if segment else ""
        if segment and text and text != '""':
            return moment(text, zone, f"{segment.name}-{number}")
    return None


def _by_name(group: Sequence[Segment]) -> dict[str, list[Segment]]:
    named: dict[str, list[Segment]] = {}
    for segment in group:
        named.setdefault(segment.name, []).append(segment)
    return named


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


def require_identifiers(person: Person) -> None:
    """`Rejected` when nothing in the message names the person."""
    if not person.identifiers:
        raise Rejected(at="PID-3", expected="an identifier of the person", code="required")
