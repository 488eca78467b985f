"""`$validate`: would this resource be taken, and what is wrong with it? Nothing is written.

R4 operation `Resource-validate`. The answer is always a list of issues; only who may ask is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access.policy import may
from careloop.errors import CareloopError, Fault, NotPermitted
from careloop.flows import task_updates
from careloop.flows.interactions import Interaction
from careloop.flows.terminology import terminology_of

MODES = ("create", "update", "delete")


@dataclass(frozen=True, kw_only=True)
class ToValidate:
    """What is to be judged: `resource`, or the stored one with that id. `mode`: would it be taken as such?"""

    resource_type: str
    id: str | None
    resource: dict[str, Any] | None
    profiles: Sequence[str] = ()
    mode: str | None = None


def validate(door: Interaction, asked: ToValidate) -> list[Fault]:
    """Every fault found, errors first. `NotPermitted` for whoever may neither read nor write that type."""
    if not any(may(door.principal, name, asked.resource_type) for name in ("read", "create", "update")):
        raise NotPermitted(f"validation of {asked.resource_type} is not permitted")
    if asked.mode == "delete":
        return _deletion(door, asked)
    resource = asked.resource
    if resource is None:
        if asked.id is None:
            return [Fault(at="resource", expected="a resource to validate", code="required")]
        resource = door.read(asked.resource_type, asked.id).resource
    faults = [*_place(asked, resource), *_permission(door, asked)]
    if resource.get("resourceType") == asked.resource_type:
        terms = terminology_of(door.app, door.tx)
        faults += door.app.record.validator.check(resource, profiles=asked.profiles, terminology=terms)
    return faults


def _place(asked: ToValidate, resource: dict[str, Any]) -> list[Fault]:
    """Whether the resource belongs where it was sent."""
    if resource.get("resourceType") != asked.resource_type:
        return [Fault(at="resourceType", expected=f"{asked.resource_type} as in the address", code="invalid")]
    if asked.id is not None and resource.get("id", asked.id) != asked.id:
        return [Fault(at=f"{asked.resource_type}.id", expected="the id of the address", code="value")]
    if asked.mode == "update" and asked.id is None and "id" not in resource:
        return [Fault(at=f"{asked.resource_type}.id", expected="the id of what is to be updated", code="required")]
    return []


def _permission(door: Interaction, asked: ToValidate) -> list[Fault]:
    if asked.mode is None or may(door.principal, asked.mode, asked.resource_type):
        return []
    return [Fault(at=asked.resource_type, expected=f"a right to {asked.mode} it", code="forbidden")]


def _deletion(door: Interaction, asked: ToValidate) -> list[Fault]:
    """Whether the resource could be deleted; its content does not matter."""
    if asked.id is None:
        return [Fault(at="address", expected="the id of what is to be deleted", code="required")]
    faults = _permission(door, asked)
    try:
        door.read(asked.resource_type, asked.id)
        if asked.resource_type == "Task":
            task_updates.refuse_delete(door.tx, asked.id)
    except NotPermitted:
        raise
    except CareloopError as error:
        faults.append(Fault(at=asked.resource_type, expected=error.message, code=error.issue_code))
    return faults
