"""`$meta`, `$meta-add`, `$meta-delete`: profiles, tags and security labels of one resource."""

from collections.abc import Iterable, Mapping
from typing import Any

from careloop.access.policy import require
from careloop.errors import Rejected
from careloop.flows.interactions import Interaction
from careloop.record import Written

Meta = dict[str, Any]
LISTS = ("profile", "security", "tag")
"""What these operations read and change. Versions and dates are the server's."""


def meta_of(door: Interaction, resource_type: str, resource_id: str) -> Meta:
    """The meta of a resource as it stands."""
    meta: Meta = door.read(resource_type, resource_id).resource["meta"]
    return meta


def add(door: Interaction, resource_type: str, resource_id: str, meta: Mapping[str, Any]) -> Meta:
    """The resource has these labels too. What it had already stays once."""
    return _changed(door, resource_type, resource_id, meta, _joined)


def take_away(door: Interaction, resource_type: str, resource_id: str, meta: Mapping[str, Any]) -> Meta:
    """The resource has these labels no more."""
    return _changed(door, resource_type, resource_id, meta, _without)


def _changed(door: Interaction, kind: str, identity: str, meta: Mapping[str, Any], change: Any) -> Meta:
    require(door.principal, "update", kind)
    if unknown := meta.keys() - set(LISTS):
        raise Rejected(at=f"meta.{min(unknown)}", expected="only " + ", ".join(LISTS), code="not-supported")
    stored = door.read(kind, identity)
    standing = stored.resource["meta"]
    lists = {name: change(standing.get(name, ()), meta.get(name, ())) for name in LISTS}
    rest = {name: value for name, value in standing.items() if name not in LISTS}
    changed = {**rest, **{name: found for name, found in lists.items() if found}}
    written: Written = door.update(kind, identity, {**stored.resource, "meta": changed}, if_match=stored.version)
    assert written.resource is not None
    result: Meta = written.resource["meta"]
    return result


def _joined(standing: Iterable[Any], given: Iterable[Any]) -> list[Any]:
    found = list(standing)
    known = {_key(one) for one in found}
    return [*found, *(one for one in given if _key(one) not in known)]


def _without(standing: Iterable[Any], given: Iterable[Any]) -> list[Any]:
    gone = {_key(one) for one in given}
    return [one for one in standing if _key(one) not in gone]


def _key(label: Any) -> tuple[str, str]:
    """What makes a label the same: the address of a profile, system and code of a coding."""
    if isinstance(label, dict):
        return str(label.get("system", "")), str(label.get("code", ""))
    return "", str(label)
