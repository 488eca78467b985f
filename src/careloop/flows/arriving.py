"""Messages become facts, several at once: persons found, stays folded, everything written in one set.

A set holds messages of different people about different visits, so that one statement can serve all of them; a message
that joins or moves people is a set of its own. What is written and told is the same as for one message after another.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from careloop import identity, intake
from careloop.access.model import Principal, Tenant
from careloop.db import Row, Transaction
from careloop.fhir.ids import derived_id
from careloop.flows import merging, writing
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.flows.same_orders import absorbing, join_orders
from careloop.intake import AdtMessage, Claimed, Effect, Feed, Mappings, Person, StayEvent, Visit
from careloop.record import Stored, Write, Written

Json = dict[str, Any]
Told = Mapping[str, Mapping[str, str]]


@dataclass(kw_only=True)
class Work:
    """One message on its way. `written` is what it came to; `ahead`: its time has not come yet."""

    claimed: Claimed
    message: AdtMessage
    feed: Feed
    written: list[Written] = field(default_factory=list)
    ahead: bool = False

    @property
    def stands_alone(self) -> bool:
        """True when it joins or moves people, or tells of several: nothing else may be in its set."""
        effects = (Effect.MERGE, Effect.MOVE_VISIT)
        people = self.message.people
        return self.message.effect in effects or len(people) > 1 or any(len(person.visits) > 1 for person in people)

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """The numbers of the people and visits that it tells of."""
        people = self.message.people
        numbers = {(one["system"], one["value"]) for person in people for one in person.identifiers}
        return frozenset(numbers | {(visit.system, visit.value) for person in people for visit in person.visits})


class Crossed(Exception):
    """Two messages of a set are of one person after all; they must go one after the other."""


@dataclass(kw_only=True)
class _Telling:
    """What one message says of one person, and who that is. `described` is the patient whom the words describe: what
    comes under the number of a merged-away patient describes that one, and the survivor is never renamed."""

    work: Work
    person: Person
    found: identity.Resolution
    stays: list[tuple[str, intake.Stay]] = field(default_factory=list)

    @property
    def patient_id(self) -> str:
        return self.found.patient_id

    @property
    def described(self) -> str:
        return self.found.named_prior or self.found.patient_id


def sets_of(works: Sequence[Work]) -> list[list[Work]]:
    """The messages in as few sets as can be. A message comes into the first set after all that tell of one of its
    people or visits, so each person's messages keep their order while those of others go beside them. Nothing passes a
    message that stands alone."""
    sets: list[list[Work]] = []
    following: dict[tuple[str, str], int] = {}
    free = 0
    for work in works:
        place = len(sets) if work.stands_alone else max([free, *(following.get(name, 0) for name in work.names)])
        if place == len(sets):
            sets.append([])
        sets[place].append(work)
        following |= dict.fromkeys(work.names, place + 1)
        free = place + 1 if work.stands_alone else free
    return sets


class Arrival:
    """Carries out sets of messages of one tenant in one transaction."""

    def __init__(self, app: App, tx: Transaction, tenant: Tenant, principal: Principal, mappings: Mappings) -> None:
        self._app = app
        self._tx = tx
        self._tenant = tenant
        self._principal = principal
        self._mappings = mappings
        self._fresh: dict[tuple[int, str], Json] = {}

    def carry_out(self, works: Sequence[Work]) -> None:
        """Everything these messages say is in the record and told, or an error undoes all of it."""
        self._fresh = {}
        people = [(work, person) for work in works for person in work.message.people]
        for together in [[one] for one in people] if works[0].stands_alone else [people]:
            self._tell(self._find(together))

    def remember(self) -> None:
        """The neighbours just written need not be written again, once the transaction is committed."""
        fresh = self._fresh
        self._tx.after_commit.append(lambda: _remember(fresh))

    def _find(self, spoken: Sequence[tuple[Work, Person]]) -> list[_Telling]:
        for _, person in spoken:
            intake.require_identifiers(person)
        numbers = [[_number(one) for one in person.identifiers] for _, person in spoken]
        found = identity.resolve_all(self._tx, self._app.record, self._app.clock.now(), numbers)
        return [
            _Telling(work=work, person=person, found=one) for (work, person), one in zip(spoken, found, strict=True)
        ]

    def _tell(self, tellings: Sequence[_Telling]) -> None:
        if len({telling.described for telling in tellings}) < len(tellings):
            raise Crossed
        self._fold_stays(tellings)
        self._join_orders(tellings)
        wanted = {f"Patient/{telling.described}" for telling in tellings}
        wanted |= {f"Encounter/{key}" for telling in tellings for key, _ in telling.stays}
        facts = [f"{one['resourceType']}/{one['id']}" for telling in tellings for one in telling.person.facts]
        if len(set(facts)) < len(facts):
            raise Crossed
        wanted |= set(facts)
        standing = self._app.record.fetch(self._tx, sorted(wanted))
        for telling in tellings:
            standing |= self._never_of_another(telling, standing)
        keys = [one["id"] for telling in tellings for one in telling.person.facts]
        told = intake.told(self._tx, [*keys, *(telling.described for telling in tellings)])
        newer: dict[str, Mapping[str, str]] = {}
        writes = [
            [
                *self._neighbours(telling.work),
                *self._patient_writes(telling, standing, told, newer),
                *self._other_writes(telling, standing),
                *self._fact_writes(telling, standing, told, newer),
            ]
            for telling in tellings
        ]
        intake.put_told(self._tx, newer)
        self._write(tellings, writes)
        for telling in tellings:
            if telling.work.message.effect is Effect.MERGE and telling.person.prior_identifiers:
                self._merge(telling)

    def _join_orders(self, tellings: Sequence[_Telling]) -> None:
        """An order that stands under another of its numbers keeps its id; two that turn out to be one become one."""
        told = [(one.person.facts, frozenset({one.patient_id, one.described})) for one in tellings]
        for telling, joined in zip(tellings, join_orders(self._app.record, self._tx, told), strict=True):
            if joined.names:
                facts = tuple(intake.renamed(fact, joined.names) for fact in telling.person.facts)
                telling.person = replace(telling.person, facts=facts)
            self._write([telling], [absorbing(self._app.record, self._tx, joined, telling.patient_id)])

    def _never_of_another(self, telling: _Telling, standing: Mapping[str, Stored]) -> dict[str, Stored]:
        """A number that the sender gave to a fact of another person never moves that fact: this person's gets a name of
        its own. Gives what stands under such names."""
        names = {}
        for fact in telling.person.facts:
            reference = f"{fact['resourceType']}/{fact['id']}"
            owner = standing[reference].patient_id if reference in standing else None
            own = (None, telling.patient_id, telling.described)
            if owner not in own and identity.survivor_of(self._tx, str(owner)) != telling.patient_id:
                own_id = derived_id(self._tenant.id, fact["resourceType"], fact["id"], telling.patient_id)
                names[reference] = f"{fact['resourceType']}/{own_id}"
        if not names:
            return {}
        facts = tuple(intake.renamed(fact, names) for fact in telling.person.facts)
        telling.person = replace(telling.person, facts=facts)
        return dict(self._app.record.fetch(self._tx, sorted(names.values())))

    def _patient_writes(
        self, telling: _Telling, standing: Mapping[str, Stored], told: Told, newer: dict[str, Mapping[str, str]]
    ) -> list[Write]:
        own_id = telling.described
        before = standing.get(f"Patient/{own_id}")
        stood = before.resource if before else None
        known, at = told.get(own_id, {}), telling.work.message.at.instant
        patient, when = intake.joined_patient(stood, telling.person.patient, known, at, own_id)
        if when != known:
            newer[own_id] = when
        return [_put(patient)] if patient != stood else []

    def _fact_writes(
        self, telling: _Telling, standing: Mapping[str, Stored], told: Told, newer: dict[str, Mapping[str, str]]
    ) -> list[Write]:
        """Results, orders, documents and the like: the later word about each element wins, whichever came first."""
        writes = []
        at = min(telling.work.message.at.instant, self._app.clock.now())
        for fact in telling.person.facts:
            said = intake.of_patient(fact, telling.patient_id)
            before = standing.get(f"{said['resourceType']}/{said['id']}")
            known = told.get(said["id"], {})
            resource, when = intake.joined_resource(before.resource if before else None, said, known, at)
            if when != known:
                newer[said["id"]] = when
            writes.append(_put(resource))
        return writes

    def _other_writes(self, telling: _Telling, standing: Mapping[str, Stored]) -> list[Write]:
        tenant, person, stays = self._tenant.id, telling.person, telling.stays
        encounters = [self._encounter(person, key, stay, standing) for key, stay in stays]
        relatives = intake.relatives(person, tenant, telling.patient_id)
        clinical = intake.clinical(person, tenant, telling.patient_id, stays[0][0] if stays else None)
        return [_put(resource) for resource in (*encounters, *relatives, *clinical)]

    def _encounter(self, person: Person | None, key: str, stay: intake.Stay, standing: Mapping[str, Stored]) -> Json:
        resource = intake.encounter(stay, key, self._mappings.tables)
        before = standing.get(f"Encounter/{key}")
        told = before.resource.get("diagnosis", []) if before else []
        diagnoses = intake.diagnoses(told, person, self._tenant.id, key)
        if diagnoses:
            resource["diagnosis"] = diagnoses
        return intake.merged_extensions(resource, before.resource) if before else resource

    def _fold_stays(self, tellings: Sequence[_Telling]) -> None:
        """Each event joins its stay; the stay is what all its events make it, nothing while they lie in the future."""
        news = [
            intake.NewStayEvent(
                encounter_id=derived_id(self._tenant.id, "encounter", visit.system, visit.value),
                event=self._event(telling, visit),
                received=telling.work.claimed.received,
                inbox_id=telling.work.claimed.id,
            )
            for telling in tellings
            for visit in telling.person.visits
        ]
        if not news:
            return
        if len({new.encounter_id for new in news}) < len(news) and len(tellings) > 1:
            raise Crossed
        rows = intake.add_stay_events(self._tx, news)
        now = self._app.clock.now()
        for telling in tellings:
            telling.work.ahead = bool(telling.person.visits) and telling.work.message.at.instant > now + intake.AHEAD
            for visit in telling.person.visits:
                key = derived_id(self._tenant.id, "encounter", visit.system, visit.value)
                stay = self._fold(key, rows[key], telling.work.feed.zone, telling)
                telling.stays += [(key, stay)] if stay else []

    def _event(self, telling: _Telling, visit: Visit) -> StayEvent:
        prior = None
        if visit.prior_identifiers:
            numbers = [_number(one) for one in visit.prior_identifiers]
            found = identity.resolve(self._tx, self._app.record, self._app.clock.now(), numbers)
            prior = found.named_prior or found.patient_id
        message = telling.work.message
        return StayEvent(
            id=0,
            code=message.envelope.event,
            effect=message.effect,
            at=message.at.instant,
            recorded=message.recorded,
            patient_id=telling.described,
            prior_patient_id=prior,
            content=visit.content,
        )

    def _fold(self, key: str, rows: Sequence[Row], zone: str, telling: _Telling | None) -> intake.Stay | None:
        events = self._of_survivors(intake.stay_events(rows), telling)
        stay = intake.fold(events, self._app.clock.now(), zone)
        if stay is not None:
            intake.mark_unmatched(self._tx, key, stay.unmatched, rows)
        return stay

    def _of_survivors(self, events: Sequence[StayEvent], telling: _Telling | None) -> list[StayEvent]:
        """Events name the person of their time; merged people are one."""
        people = {one for event in events for one in (event.patient_id, event.prior_patient_id) if one}
        if telling is not None and people == {telling.patient_id}:
            return list(events)
        now = {one: identity.survivor_of(self._tx, one) for one in people}
        return [intake.with_people(event, now) for event in events]

    def _merge(self, telling: _Telling) -> None:
        """A40. Afterwards, stays in which an event waited for its person are folded again."""
        numbers = [_number(one) for one in telling.person.prior_identifiers]
        source = f"message {telling.work.message.envelope.control_id}"
        merging.merge_numbers(self._app, self._tx, self._principal, telling.patient_id, numbers, source)
        for key in intake.unsettled_stays(self._tx, telling.patient_id):
            stay = self._fold(key, intake.rows_of_stay(self._tx, key), telling.work.feed.zone, None)
            if stay is not None:
                standing = self._app.record.fetch(self._tx, [f"Encounter/{key}"])
                self._write([telling], [[_put(self._encounter(None, key, stay, standing))]])

    def _write(self, tellings: Sequence[_Telling], writes: Sequence[Sequence[Write]]) -> None:
        """One set of writes; each message learns which versions are its own."""
        every = [write for some in writes for write in some]
        if not every:
            return
        cause = Cause(fact=_cause(tellings))
        written = iter(writing.write(self._app, self._tx, self._principal, every, cause=cause))
        for telling, some in zip(tellings, writes, strict=True):
            mine = list(islice(written, len(some)))
            telling.work.written += mine
            if telling.found.named_prior:
                facts = [(one.resource_type, one.id, one.version) for one in mine]
                merging.note_later(self._app, self._tx, telling.found, facts)

    def _neighbours(self, work: Work) -> Iterator[Write]:
        """Practitioners, places and organizations that this process has not written yet as they are."""
        for reference, resource in work.message.made.items():
            key = (self._tenant.id, reference)
            if _WRITTEN.get(key) != resource and key not in self._fresh:
                self._fresh[key] = resource
                yield _put(resource)


_WRITTEN: dict[tuple[int, str], Json] = {}
_MOST_REMEMBERED = 50_000


def _remember(fresh: Mapping[tuple[int, str], Json]) -> None:
    if len(_WRITTEN) >= _MOST_REMEMBERED:
        _WRITTEN.clear()
    _WRITTEN.update(fresh)


def _cause(tellings: Sequence[_Telling]) -> str:
    control_ids = {telling.work.message.envelope.control_id for telling in tellings}
    return f"message {control_ids.pop()}" if len(control_ids) == 1 else "HL7v2 messages"


def _number(one: Mapping[str, Any]) -> identity.Identifier:
    codings = one.get("type", {}).get("coding", [])
    kind = codings[0].get("code") if codings else None
    return identity.Identifier(system=one["system"], value=one["value"], type=kind)


def _put(resource: Json) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
