"""An order that one sender knew by the placer's number and another by the filler's is one ServiceRequest.

When a message names both, the two that stand become one: what referred to the other refers to this one, the other is
deleted (its history stays). A message that names a single number finds the request that has it, whichever it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop import intake
from careloop.db import Transaction
from careloop.record import Record, Stored, Write

Json = dict[str, Any]
REFERRING = (
    "Appointment", "DiagnosticReport", "DocumentReference", "ImagingStudy", "Observation", "Procedure",
    "ServiceRequest", "Specimen", "Task",
)  # fmt: skip
"""What may refer to an order."""


@dataclass(kw_only=True)
class Joined:
    """What has to happen so that each order is one: `names` are the references of facts that stand under another id,
    `absorbed` the requests that another takes the place of."""

    names: dict[str, str] = field(default_factory=dict)
    absorbed: dict[str, str] = field(default_factory=dict)


def join_orders(record: Record, tx: Transaction, told: Sequence[tuple[Sequence[Json], frozenset[str]]]) -> list[Joined]:
    """For the facts of each person (with the ids that this patient has), what must be renamed or absorbed."""
    requests = [[one for one in facts if one["resourceType"] == "ServiceRequest"] for facts, _ in told]
    numbers = {number for some in requests for one in some for number in _numbers(one)}
    standing = record.follow(tx, "ServiceRequest", [("identifier", one) for one in sorted(numbers)]) if numbers else []
    return [
        _joined(some, [one for one in standing if one.patient_id in owners])
        for some, (_, owners) in zip(requests, told, strict=True)
    ]


def absorbing(record: Record, tx: Transaction, joined: Joined, patient_id: str) -> list[Write]:
    """The writes that let one request take the place of others."""
    if not joined.absorbed:
        return []
    found = []
    for one in record.of_patient(tx, patient_id, REFERRING):
        reference = f"{one.resource_type}/{one.id}"
        if reference in joined.absorbed:
            found.append(Write(method="delete", resource_type=one.resource_type, id=one.id, resource=None))
            continue
        renamed = intake.renamed(one.resource, joined.absorbed)
        if renamed != one.resource:
            found.append(Write(method="update", resource_type=one.resource_type, id=one.id, resource=renamed))
    return found


def _joined(requests: Sequence[Json], standing: Sequence[Stored]) -> Joined:
    joined = Joined()
    taken = {f"ServiceRequest/{one['id']}" for one in requests}
    for request in requests:
        own = f"ServiceRequest/{request['id']}"
        same = [one for one in standing if _is_same(request, one.resource)]
        stands = any(one.id == request["id"] for one in same)
        others = [f"ServiceRequest/{one.id}" for one in same if f"ServiceRequest/{one.id}" not in taken]
        if others and not stands:
            joined.names[own] = others.pop(0)
            taken.add(joined.names[own])
        joined.absorbed |= {other: joined.names.get(own, own) for other in others}
        taken.update(others)
    return joined


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """The same number, and the same test as far as both say which: labs use one number for several panels."""
    if not set(_numbers(one)) & set(_numbers(other)):
        return False
    codes, others = set(_codes(one)), set(_codes(other))
    return not codes or not others or bool(codes & others)


def _numbers(request: Mapping[str, Any]) -> Iterator[str]:
    for one in request.get("identifier", ()):
        kinds = {coding.get("code") for coding in one.get("type", {}).get("coding", ())}
        if kinds & {"PLAC", "FILL"} and one.get("value"):
            yield f"{one.get('system', '')}|{one['value']}"


def _codes(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in request.get("code", {}).get("coding", ()):
        yield one.get("system", ""), one.get("code", "")
