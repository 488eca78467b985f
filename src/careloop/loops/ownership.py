"""Who should own a step: pure choice that explains itself (engine.md §3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Resource = dict[str, object]

ROLE = "urn:careloop:role"
LEAD = "coordinator"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Somebody on the staff who could own work. `reference` is `Practitioner/..`."""

    reference: str
    name: str
    roles: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The owner, and why in words."""

    owner: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Routing:
    """Everything a choice rests on.

    `team` maps a role to the members of the patient's care team that hold it, in the team's order. `staff` are active
    accounts, `loads` their open steps; `queue` is the tenant's staffed queue with a named lead.
    """

    team: Mapping[str, Sequence[str]]
    staff: Sequence[Candidate]
    loads: Mapping[str, int]
    queue: str


def choose_owner(role: str, routing: Routing) -> Choice:
    """The owner of a step that names `role`: care team, then lead coordinator, then least loaded, then the queue."""
    active = {candidate.reference for candidate in routing.staff}
    members = [member for member in routing.team.get(role, ()) if member in active]
    if members:
        return Choice(owner=members[0], why=f"{role} of the patient's care team")
    leads = [member for member in routing.team.get(LEAD, ()) if member in active]
    if leads:
        return Choice(owner=leads[0], why=f"lead coordinator of the patient; the care team has no {role}")
    holders = candidates_for(role, routing.staff)
    if holders:
        chosen = min(holders, key=lambda reference: (routing.loads.get(reference, 0), reference))
        return Choice(owner=chosen, why=f"{role} with the least open work; the patient has no care team")
    return Choice(owner=routing.queue, why=f"the queue: nobody on the staff is {role}")


def candidates_for(role: str, staff: Sequence[Candidate]) -> list[str]:
    """References of the staff who hold the role, in a fixed order."""
    return sorted(candidate.reference for candidate in staff if role in candidate.roles)


def team_of(care_teams: Sequence[Mapping[str, object]]) -> dict[str, list[str]]:
    """Role to members over the active CareTeam resources of one patient."""
    team: dict[str, list[str]] = {}
    for care_team in care_teams:
        if care_team.get("status", "active") != "active":
            continue
        for participant in _list(care_team.get("participant")):
            member = _mapping(participant.get("member")).get("reference")
            if isinstance(member, str) and member.startswith("Practitioner/"):
                for role in _roles(participant):
                    team.setdefault(role, []).append(member)
    return team


def _roles(participant: Mapping[str, object]) -> list[str]:
    codings = [coding for concept in _list(participant.get("role")) for coding in _list(concept.get("coding"))]
    return [str(coding["code"]) for coding in codings if coding.get("system") == ROLE and "code" in coding]


def _list(value: object) -> list[Mapping[str, object]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
