"""Who owns what a review opens or re-opens: facts for the pure choice of `loops.ownership`, read once a review."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b

from careloop.access import accounts
from careloop.db import Transaction
from careloop.fhir.ids import derived_id
from careloop.loops import store
from careloop.loops.model import LoopState
from careloop.loops.ownership import LEAD, Candidate, Routing, candidates_for, choose_owner, team_of
from careloop.loops.plans import LoopChange, Owner
from careloop.record import Stored

_PERFORMED = frozenset({"Encounter", "Communication", "Procedure"})

COMPARED = 8
"""At most so many holders of a role are compared by load, so that routing costs the same however large the staff."""


def roles_of(tx: Transaction, resources: Sequence[Stored]) -> dict[str, frozenset[str]]:
    """Role codes of our own staff who performed, sent or took part in any of these resources, by reference."""
    named = {reference for found in resources if found.resource_type in _PERFORMED for reference in _named(found)}
    members = accounts.members(tx, sorted(named)) if named else []
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
    return {step_id: _owner_of(change, step_id, role, desk, assignments) for step_id, role in _places(change)}


def route(tx: Transaction, patient_id: str, role: str, resources: Sequence[Stored], without: str) -> Owner:
    """Who takes over work of `role` for this patient when `without` cannot hold it any more."""
    return Desk(Office(tx, without), patient_id, resources).choice(role)


def _places(change: LoopChange) -> list[tuple[str, str]]:
    return [("", LEAD), *((step.step_id, step.owner_role) for step in change.new.steps)]


def _owner_of(
    change: LoopChange, step_id: str, role: str, desk: "Desk", assignments: Mapping[tuple[str, str], Owner]
) -> Owner:
    assigned = assignments.get((change.new.id, step_id))
    if assigned:
        return Owner(owner=assigned.owner, why=assigned.why)
    before = change.owners_before.get(step_id)
    if before and not (_reopens(change, step_id) and desk.has_left(before)):
        return Owner(owner=before, why="as before")
    return desk.choice(role)


def _reopens(change: LoopChange, step_id: str) -> bool:
    if change.old is None:
        return False
    return _is_open(change.new, step_id) and not _is_open(change.old.state, step_id)


def _is_open(state: LoopState, step_id: str) -> bool:
    if step_id == "":
        return state.status.is_open
    return any(step.status.is_open for step in state.steps if step.step_id == step_id)


class Office:
    """The staff of the tenant, read when somebody must first be chosen; shared by all patients of a review."""

    def __init__(self, tx: Transaction, without: str = "") -> None:
        self.tx = tx
        self._without = without

    @cached_property
    def staff(self) -> list[Candidate]:
        """Everybody who may own work."""
        return [
            Candidate(reference=one.reference, name=one.name, roles=frozenset(role.value for role in one.roles))
            for one in accounts.staff(self.tx)
            if one.active and one.reference != self._without
        ]


class Desk:
    """Routing for one patient."""

    def __init__(self, office: Office, patient_id: str, resources: Sequence[Stored]) -> None:
        self._office = office
        self._patient_id = patient_id
        self._resources = resources
        self._chosen: dict[str, Owner] = {}

    def choice(self, role: str) -> Owner:
        """The owner for a role; the same role goes to the same person within one review."""
        if role not in self._chosen:
            self._chosen[role] = self._choose(role)
        return self._chosen[role]

    def has_left(self, owner: str) -> bool:
        """True for a person who is no longer active staff."""
        return owner.startswith("Practitioner/") and owner not in {one.reference for one in self._office.staff}

    def _choose(self, role: str) -> Owner:
        staff = self._compared(role)
        holders = candidates_for(role, staff)
        loads = store.open_steps_of(self._office.tx, holders) if len(holders) > 1 else {}
        queue = queue_reference(self._office.tx.tenant_id)
        chosen = choose_owner(role, Routing(team=self._team, staff=staff, loads=loads, queue=queue))
        return Owner(owner=chosen.owner, why=chosen.why)

    def _compared(self, role: str) -> list[Candidate]:
        """The staff without all but a few holders of the role; which few depends on the patient, so work spreads."""
        team = {member for members in self._team.values() for member in members}
        others = [one for one in self._office.staff if role in one.roles and one.reference not in team]
        few = sorted(others, key=lambda one: blake2b(f"{self._patient_id} {one.reference}".encode()).digest())
        return [*few[:COMPARED], *(one for one in self._office.staff if one.reference in team)]

    @cached_property
    def _team(self) -> dict[str, list[str]]:
        return team_of([found.resource for found in self._resources if found.resource_type == "CareTeam"])
