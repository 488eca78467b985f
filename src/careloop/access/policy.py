"""Who may do what. Denied unless a line here permits it; every door asks here: REST, pages, API, jobs.

Staff are permitted by role, clients and one-use links by scope, staff who act through an app by both, the product
itself (`PrincipalKind.SYSTEM`) by being the product. Which *rows* a principal sees is row-level security below this:
the tenant's, and of a narrowed principal what is in its sight.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from careloop.access.model import Principal, PrincipalKind, Role
from careloop.access.scopes import parse_scope
from careloop.errors import NotPermitted


class Interaction(StrEnum):
    """FHIR R4 RESTful interactions (valueset type-restful-interaction)."""

    READ = "read"
    VREAD = "vread"
    HISTORY = "history"
    SEARCH = "search"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"


class Action(StrEnum):
    """What people and programs do that FHIR has no interaction for."""

    WORKLIST_READ = "worklist.read"
    LOOP_WORK = "loop.work"
    LOOP_CLOSE_WITHOUT_PROOF = "loop.close-without-proof"
    TEAM_READ = "team.read"
    TEAM_SUPERVISE = "team.supervise"
    INBOX_READ = "inbox.read"
    INBOX_REPAIR = "inbox.repair"
    FEED_MANAGE = "feed.manage"
    PERSON_REVIEW = "person.review"
    EPISODE_READ = "episode.read"
    ACCOUNT_MANAGE = "account.manage"
    AUDIT_READ = "audit.read"
    RULES_MANAGE = "rules.manage"


LETTER: Mapping[str, str] = {
    Interaction.READ: "r",
    Interaction.VREAD: "r",
    Interaction.HISTORY: "r",
    Interaction.SEARCH: "s",
    Interaction.CREATE: "c",
    Interaction.UPDATE: "u",
    Interaction.PATCH: "u",
    Interaction.DELETE: "d",
}
"""The SMART v2 letter that each interaction needs."""

_CARE_WORK = {
    "*": "rs",
    "Task": "cu",
    "Communication": "cu",
    "Procedure": "cu",
    "Observation": "cu",
    "Encounter": "cu",
    "DocumentReference": "cu",
    "CarePlan": "cu",
    "CareTeam": "cu",
    "Goal": "cu",
    "Appointment": "cu",
    "Schedule": "cu",
    "Slot": "cu",
    "ServiceRequest": "cu",
    "QuestionnaireResponse": "cu",
    "Provenance": "c",
    "Consent": "cu",
    "Flag": "cu",
    "List": "cu",
    "MedicationStatement": "c",
}
_COMMUNITY_WORK = {
    "*": "rs",
    "Consent": "cu",
    "Task": "cu",
    "Communication": "cu",
    "QuestionnaireResponse": "cu",
    "Appointment": "cu",
    "Schedule": "cu",
    "Slot": "cu",
    "ServiceRequest": "cu",
    "Provenance": "c",
}
_REVENUE = {"*": "rs", "Claim": "cu", "Coverage": "cu", "Provenance": "c"}

_BY_ROLE: Mapping[Role, Mapping[str, str]] = {
    Role.COORDINATOR: {**_CARE_WORK, "Patient": "cu"},
    Role.NURSE: {**_CARE_WORK, "MedicationStatement": "cu", "DetectedIssue": "cu", "EpisodeOfCare": "cu"},
    Role.PHYSICIAN: {
        **_CARE_WORK,
        "MedicationStatement": "cu",
        "MedicationRequest": "cu",
        "DetectedIssue": "cu",
        "EpisodeOfCare": "cu",
        "DeviceRequest": "cu",
    },
    Role.MANAGER: {**_CARE_WORK, "Patient": "cu"},
    Role.COMMUNITY_HEALTH_WORKER: _COMMUNITY_WORK,
    Role.BILLER: _REVENUE,
    Role.ADMINISTRATOR: {
        "*": "rs",
        "Practitioner": "cu",
        "PractitionerRole": "cu",
        "CareTeam": "cu",
        "Organization": "cu",
        "Location": "cu",
    },
}

_CLINICAL_ACTIONS = frozenset(
    {Action.WORKLIST_READ, Action.LOOP_WORK, Action.LOOP_CLOSE_WITHOUT_PROOF, Action.EPISODE_READ, Action.TEAM_READ}
)

_ACTIONS_BY_ROLE: Mapping[Role, frozenset[Action]] = {
    Role.COORDINATOR: _CLINICAL_ACTIONS | {Action.INBOX_READ, Action.INBOX_REPAIR, Action.PERSON_REVIEW},
    Role.NURSE: _CLINICAL_ACTIONS,
    Role.PHYSICIAN: _CLINICAL_ACTIONS,
    Role.MANAGER: frozenset(Action) - {Action.ACCOUNT_MANAGE},
    Role.COMMUNITY_HEALTH_WORKER: frozenset({Action.WORKLIST_READ, Action.LOOP_WORK, Action.TEAM_READ}),
    Role.BILLER: frozenset({Action.EPISODE_READ}),
    Role.ADMINISTRATOR: frozenset(
        {
            Action.INBOX_READ,
            Action.INBOX_REPAIR,
            Action.FEED_MANAGE,
            Action.ACCOUNT_MANAGE,
            Action.AUDIT_READ,
            Action.TEAM_READ,
        }
    ),
}

_SCOPE_OF_ACTION: Mapping[Action, tuple[str, str]] = {
    Action.WORKLIST_READ: ("s", "Task"),
    Action.TEAM_READ: ("s", "Practitioner"),
    Action.INBOX_READ: ("s", "*"),
    Action.INBOX_REPAIR: ("u", "*"),
    Action.PERSON_REVIEW: ("u", "Patient"),
    Action.EPISODE_READ: ("r", "Encounter"),
    Action.LOOP_WORK: ("u", "Task"),
    Action.AUDIT_READ: ("s", "AuditEvent"),
}
"""What a client needs for an action; an action that is not here is not for clients."""

_PROGRAM = frozenset({"system"})
_PERSON = frozenset({"user", "patient"})

_READ_ONLY = frozenset({"AuditEvent"})
"""Types that nobody writes through a door: the audit trail writes itself."""

_WATCHED = frozenset({"AuditEvent"})
"""Types that staff read only with `AUDIT_READ`."""


def require(principal: Principal, interaction: str, resource_type: str) -> None:
    """Nothing happens when `principal` may do `interaction` on `resource_type`; else `NotPermitted`."""
    if not may(principal, interaction, resource_type):
        raise NotPermitted(f"{interaction} of {resource_type} is not permitted")


def require_action(principal: Principal, action: Action) -> None:
    """Nothing happens when `principal` may do `action`; else `NotPermitted`."""
    if not may_act(principal, action):
        raise NotPermitted(f"{action} is not permitted")


def may(principal: Principal, interaction: str, resource_type: str) -> bool:
    """True when a role or a scope permits it. An interaction that is not in the table is denied."""
    letter = LETTER.get(interaction)
    if letter is None or (resource_type in _READ_ONLY and letter not in "rs"):
        return False
    match principal.kind:
        case PrincipalKind.SYSTEM:
            return True
        case PrincipalKind.CLIENT | PrincipalKind.PARTNER:
            return _scopes_cover(principal, letter, resource_type)
        case PrincipalKind.USER:
            if principal.client_id is not None and not _scopes_cover(principal, letter, resource_type):
                return False
            return _roles_cover(principal.roles, letter, resource_type)


def may_act(principal: Principal, action: Action) -> bool:
    """True when a role, or for a client a scope, permits the action. Nothing of it is for a narrowed principal."""
    if principal.sight is not None:
        return False
    match principal.kind:
        case PrincipalKind.SYSTEM:
            return True
        case PrincipalKind.CLIENT:
            return _scope_permits(principal, action)
        case PrincipalKind.PARTNER:
            return False
        case PrincipalKind.USER:
            if principal.client_id is not None and not _scope_permits(principal, action):
                return False
            return any(action in _ACTIONS_BY_ROLE[role] for role in principal.roles)


def _scope_permits(principal: Principal, action: Action) -> bool:
    needed = _SCOPE_OF_ACTION.get(action)
    return needed is not None and _scopes_cover(principal, *needed)


def _scopes_cover(principal: Principal, letter: str, resource_type: str) -> bool:
    """Scopes count at the level of who acts: `system` for a program by itself, `user` and `patient` for a person's app.
    The trail tells of everybody, so it is never in the sight of a narrowed principal."""
    if principal.sight is not None and resource_type in _WATCHED:
        return False
    levels = _PROGRAM if principal.kind is PrincipalKind.CLIENT else _PERSON
    return _covered(levels, principal.sight is not None, principal.scopes, letter, resource_type)


@lru_cache(maxsize=4096)
def _covered(levels: frozenset[str], narrowed: bool, scopes: tuple[str, ...], letter: str, resource_type: str) -> bool:
    """A scope for one patient or category counts only for a principal whose sight says which."""
    return any(
        scope.level in levels
        and (narrowed or (scope.level != "patient" and scope.category is None))
        and scope.covers(letter, resource_type)
        for scope in map(parse_scope, scopes)
        if scope
    )


def require_whole(principal: Principal) -> None:
    """Nothing happens for staff, programs and the product; an app that acts for a person is `NotPermitted`, and whoever
    sees a part of the record only. For doors whose work is done later or past the record's own filter."""
    if principal.sight is not None or principal.client_id is not None:
        raise NotPermitted("this is not for an app that acts for a person")


@lru_cache(maxsize=4096)
def _roles_cover(roles: frozenset[Role], letter: str, resource_type: str) -> bool:
    if resource_type in _WATCHED:
        return any(Action.AUDIT_READ in _ACTIONS_BY_ROLE[role] for role in roles)
    return any(
        letter in lines.get("*", "") + lines.get(resource_type, "") for lines in map(_BY_ROLE.__getitem__, roles)
    )
