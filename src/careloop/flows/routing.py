"""Who owns what a review opens or re-opens: facts for the pure choice of `loops.ownership`, read once a review.

All patients of a review share one `Office`: whatever is read of the staff is read for all of them together, and of the
holders of a role a few are compared, so that routing costs the same however large the staff is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from hashlib import blake2b

from careloop.access import accounts
from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.flows.app import App
from careloop.flows.capacity import minutes_table
from careloop.loops import owning
from careloop.loops.model import LoopState
from careloop.loops.ownership import LEAD, PHYSICIAN, Away, Candidate, Licence, Need, Routing, choose_owner, team_of
from careloop.loops.plans import LoopChange, Owner
from careloop.record import Stored
from careloop.teams import store as teams
from careloop.teams.model import Absence, Profile
from careloop.teams.rules import language_of, physician_of, state_of

_PERFORMED = frozenset({"Encounter", "Communication", "Procedure"})

COMPARED = 8
"""At most so many holders of a role are compared by load, so that routing costs the same however large the staff."""

_SAMPLE = 64
"""So many are read for all patients of a review together, at most."""

_STEP_MINUTES = 15
"""What a choice adds to the load of the chosen while the review is not saved."""


def roles_of(tx: Transaction, resources: Sequence[Stored]) -> dict[str, frozenset[str]]:
    """Role codes of our own staff who performed, sent or took part in any of these resources, by reference."""
    return roles_of_people(tx, people_in(resources))


def people_in(resources: Sequence[Stored]) -> tuple[str, ...]:
    """References of those who performed, sent or took part in any of these resources."""
    return tuple(sorted({one for found in resources if found.resource_type in _PERFORMED for one in _named(found)}))


def roles_of_people(tx: Transaction, named: Sequence[str]) -> dict[str, frozenset[str]]:
    """Role codes of those of these people who are our own staff, by reference."""
    members = accounts.members(tx, named) if named else []
    return {member.reference: frozenset(role.value for role in member.roles) for member in members}


def _named(found: Stored) -> Iterator[str]:
    resource = found.resource
    people = [part.get("individual") or {} for part in resource.get("participant", [])]
    people += [part.get("actor") or {} for part in resource.get("performer", [])]
    people.append(resource.get("sender") or {})
    for person in people:
        reference = person.get("reference", "")
        if reference.startswith("Practitioner/"):
            yield reference


def queue_reference(tenant_id: int) -> str:
    """The tenant's staffed queue with a named lead."""
    return f"CareTeam/{derived_id(tenant_id, 'care-team', 'queue')}"


def choose_owners(desk: "Desk", change: LoopChange, assignments: Mapping[tuple[str, str], Owner]) -> dict[str, Owner]:
    """By step id ('' for the loop) an owner: decided by a person, else as before, else routed."""
    return {step_id: _owner_of(change, step_id, role, due, desk, assignments) for step_id, role, due in _places(change)}


def route(
    app: App,
    tx: Transaction,
    patient_id: str,
    role: str,
    resources: Sequence[Stored],
    without: str,
    *,
    pathway: str = "",
    step_id: str = "",
    due: date | None = None,
) -> Owner:
    """Who takes over work of `role` for this patient when `without` cannot hold it any more."""
    office = Office(app, tx, without)
    return Desk(office, patient_id, resources).choice(role, office.need(pathway, step_id, role, due))


def _places(change: LoopChange) -> list[tuple[str, str, date]]:
    steps = [(step.step_id, step.owner_role, step.due.date()) for step in change.new.steps]
    return [("", LEAD, change.new.deadline.date()), *steps]


def _owner_of(
    change: LoopChange,
    step_id: str,
    role: str,
    due: date,
    desk: "Desk",
    assignments: Mapping[tuple[str, str], Owner],
) -> Owner:
    assigned = assignments.get((change.new.id, step_id))
    if assigned:
        return Owner(owner=assigned.owner, why=assigned.why)
    before = change.owners_before.get(step_id)
    if before and not (_reopens(change, step_id) and desk.cannot_hold(before)):
        return Owner(owner=before, why="as before")
    need = desk.office.need(change.new.pathway, step_id, role, due)
    return desk.choice(role, need, asker=desk.asker_of(change.new.focus) if role == PHYSICIAN else None)


def _reopens(change: LoopChange, step_id: str) -> bool:
    if change.old is None:
        return False
    return _is_open(change.new, step_id) and not _is_open(change.old.state, step_id)


def _is_open(state: LoopState, step_id: str) -> bool:
    if step_id == "":
        return state.status.is_open
    return any(step.status.is_open for step in state.steps if step.step_id == step_id)


class Needs:
    """Which competencies a step asks for (content/competencies), of the kinds that this practice records (PG-04)."""

    def __init__(self, catalog: Catalog, kept: Iterable[str]) -> None:
        document = catalog.document("competencies", "competencies")
        words = {kind["id"]: str(kind["title"]) for kind in document["kinds"] if kind["id"] in set(kept)}
        self._licensed = frozenset(document["licensed_roles"])
        self._needed: dict[tuple[str, str], dict[str, str]] = {}
        for line in document["needed"]:
            if line["competency"] in words:
                for place in ((pathway, step) for pathway in line["pathways"] for step in line["steps"]):
                    self._needed.setdefault(place, {})[line["competency"]] = words[line["competency"]]

    def of(self, pathway: str, step_id: str, role: str, due: date | None) -> Need:
        """What this step asks of its owner."""
        needed = self._needed.get((pathway, step_id), {})
        return Need(day=due, competencies=needed, licensed=role in self._licensed)


class Office:
    """The staff as far as the patients of a review ask for it. `without` may own nothing; nor may people who are away,
    but for their covers."""

    def __init__(self, app: App, tx: Transaction, without: str = "") -> None:
        self.tx = tx
        self.now = app.clock.now()
        self._catalog = app.catalog
        self._without = without
        self._desks: list[Desk] = []
        self._people: dict[str, Candidate | None] = {}
        self._samples: dict[tuple[str, str, str], list[Candidate]] = {}
        self._loads: dict[str, int] = {}
        self.queue = queue_reference(tx.tenant_id)

    def join(self, desk: "Desk") -> None:
        """What this desk asks for is read together with what the others ask for."""
        self._desks.append(desk)

    def need(self, pathway: str, step_id: str, role: str, due: date | None) -> Need:
        """What a step asks of its owner."""
        return self._needs.of(pathway, step_id, role, due)

    def lead_of(self, patient_id: str) -> str | None:
        """The lead of a patient, if there is one yet."""
        return self._leads.get(patient_id)

    def people(self, references: Iterable[str]) -> list[Candidate]:
        """Those of these references who are active members of the staff, in the order given."""
        wanted = list(dict.fromkeys(references))
        if any(reference not in self._people for reference in wanted):
            self._read({*wanted, *(one for desk in self._desks for one in desk.names())})
        return [found for reference in wanted if (found := self._people.get(reference)) is not None]

    def with_covers(self, people: Sequence[Candidate]) -> list[Candidate]:
        """These and those who cover for them."""
        covers = self.people(one.away.cover for one in people if one.away and one.away.cover)
        return list({one.reference: one for one in [*people, *covers]}.values())

    def pool(self, role: str, state: str, language: str, patient_id: str) -> list[Candidate]:
        """Some holders of a role; which depends on the patient, so that work spreads."""
        key = (role, state, language)
        if key not in self._samples:
            self._samples[key] = self._sample(role, state, language, patient_id)
        ordered = sorted(self._samples[key], key=lambda one: _place(patient_id, one.reference))
        fit = [one for one in ordered if language in ("", *one.languages)] or ordered
        chosen = [*fit[:COMPARED], *ordered[:COMPARED]]
        return list({one.reference: one for one in chosen}.values())

    def loads(self, people: Sequence[Candidate]) -> Mapping[str, int]:
        """Minutes of open work, and of what this review gave out."""
        unknown = [one.reference for one in people if one.reference not in self._loads]
        minutes = minutes_table(self._catalog)
        self._loads |= owning.minutes_of_owners(self.tx, unknown, minutes.steps, minutes.other)
        return self._loads

    def give(self, owner: str) -> None:
        """The owner has a step more."""
        if owner in self._loads:
            self._loads[owner] += _STEP_MINUTES

    @cached_property
    def _needs(self) -> Needs:
        return Needs(self._catalog, teams.competency_kinds(self.tx))

    @cached_property
    def _leads(self) -> Mapping[str, str]:
        return teams.leads(self.tx, sorted({desk.patient_id for desk in self._desks}))

    def _sample(self, role: str, state: str, language: str, patient_id: str) -> list[Candidate]:
        qualities = list(dict.fromkeys([f"{state}|{language}", f"{state}|", f"|{language}", "|"]))
        few = min(_SAMPLE, COMPARED * max(len(self._desks), 1))
        spin = int.from_bytes(_place(patient_id, role), "big", signed=True)
        found = teams.seats(self.tx, [role] * len(qualities), qualities, spin=spin, few=few, now=self.now)
        return [one for one in self.people(f"Practitioner/{person}" for person in found) if one.away is None]

    def _read(self, wanted: set[str]) -> None:
        new = sorted(wanted - self._people.keys())
        self._people |= dict.fromkeys(new)
        members = [one for one in accounts.members(self.tx, new) if one.active and one.reference != self._without]
        ids = [member.practitioner_id for member in members]
        profiles, fit = teams.profiles(self.tx, ids), teams.competencies(self.tx, ids)
        away = teams.absences_now(self.tx, ids, self.now)
        for member in members:
            self._people[member.reference] = candidate(
                member,
                profiles.get(member.practitioner_id),
                fit.get(member.practitioner_id, {}),
                away.get(member.practitioner_id),
            )


def candidate(
    member: accounts.StaffMember, profile: Profile | None, fit: Mapping[str, date], away: Absence | None
) -> Candidate:
    """A member of the staff as the pure choice takes them."""
    licences = profile.licences if profile else ()
    return Candidate(
        reference=member.reference,
        name=member.name,
        roles=frozenset(role.value for role in member.roles),
        languages=frozenset(profile.languages if profile else ()),
        licences=tuple(Licence(states=frozenset(one.states), first=one.first, last=one.last) for one in licences),
        competencies=fit,
        away=_away(member, away) if away else None,
    )


def _away(member: accounts.StaffMember, absence: Absence) -> Away:
    cover = f"Practitioner/{absence.cover}" if absence.cover else None
    return Away(who=who_is(member), until=absence.ends, cover=cover)


def who_is(member: accounts.StaffMember) -> str:
    """Name and account, so that two of one name are two."""
    return f"{member.name} ({member.username})"


def _place(patient_id: str, other: str) -> bytes:
    return blake2b(f"{patient_id} {other}".encode(), digest_size=8).digest()


class Desk:
    """Routing for one patient."""

    def __init__(self, office: Office, patient_id: str, resources: Sequence[Stored]) -> None:
        self.office = office
        self.patient_id = patient_id
        self._resources = resources
        self._chosen: dict[tuple[str, str], Owner] = {}
        office.join(self)

    def choice(self, role: str, need: Need | None = None, *, asker: str | None = None) -> Owner:
        """The owner for a role; the same role and need goes to the same person within one review. Work on an order is
        first of all its `asker`'s (RE-02)."""
        asked = need or Need()
        key = (role, f"{asker or ''} {asked.day if asked.competencies else ''} {sorted(asked.competencies)}")
        if key not in self._chosen:
            self._chosen[key] = self._choose(role, asked, asker)
        return self._chosen[key]

    def asker_of(self, focus: str) -> str | None:
        """Who of our staff asked for an order; None for any other matter."""
        if not focus.startswith("ServiceRequest/"):
            return None
        orders = (one.resource for one in self._resources if one.resource_type == "ServiceRequest")
        order = next((one for one in orders if one.get("id") == focus.split("/")[1]), {})
        name = str((order.get("requester") or {}).get("reference", ""))
        return name if name.startswith("Practitioner/") else None

    def cannot_hold(self, owner: str) -> bool:
        """True for a person who is no longer active staff, or is away now."""
        if not owner.startswith("Practitioner/"):
            return False
        found = self.office.people([owner])
        return not found or found[0].away is not None

    def names(self) -> list[str]:
        """Everybody whom the patient's own arrangements name."""
        return self._names

    @cached_property
    def _names(self) -> list[str]:
        lead, physician = self.office.lead_of(self.patient_id), self._physician
        members = [member for role in self._team.values() for member in role]
        return [name for name in (*members, lead, physician) if name and name.startswith("Practitioner/")]

    def _choose(self, role: str, need: Need, asker: str | None = None) -> Owner:
        people = self.office.with_covers(self.office.people([*([asker] if asker else []), *self.names()]))
        chosen = choose_owner(role, self._routing(people, {}, asker, pool=False), need)
        if chosen.owner == self.office.queue:
            pool = self.office.pool(role, self._state, self._language, self.patient_id)
            loads = self.office.loads(pool)
            chosen = choose_owner(role, self._routing([*people, *pool], loads, asker, pool=True), need)
            self.office.give(chosen.owner)
        return Owner(owner=chosen.owner, why=chosen.why)

    def _routing(
        self, people: Sequence[Candidate], loads: Mapping[str, int], asker: str | None, *, pool: bool
    ) -> Routing:
        return Routing(
            asker=asker,
            team=self._team,
            staff=people,
            loads=loads,
            queue=self.office.queue,
            lead=self.office.lead_of(self.patient_id),
            physician=self._physician,
            state=self._state,
            language=self._language,
            pool=pool,
        )

    @cached_property
    def _patient(self) -> Mapping[str, object]:
        found = [item.resource for item in self._resources if item.resource_type == "Patient"]
        return next((one for one in found if one.get("id") == self.patient_id), {})

    @cached_property
    def _language(self) -> str:
        return language_of(self._patient)

    @cached_property
    def _state(self) -> str:
        return state_of(self._patient, self.office.now.date())

    @cached_property
    def _physician(self) -> str | None:
        return physician_of(self._patient)

    @cached_property
    def _team(self) -> dict[str, list[str]]:
        teams_of = [found.resource for found in self._resources if found.resource_type == "CareTeam"]
        return team_of(teams_of, self.office.now)
