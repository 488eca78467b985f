"""`Patient/$merge` and `$unmerge` as a client asks for them: who is meant, what would happen, what happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop import identity
from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import merging, writing
from careloop.flows.app import App
from careloop.flows.merge_preview import MergePreview, preview
from careloop.identity import merges, store
from careloop.identity.merges import Merge
from careloop.identity.rules.merged import as_survivor
from careloop.record import Stored, Write

Resource = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Named:
    """A patient as a client names one: by reference, by identifiers, or both, which must then agree."""

    at: str
    reference: str | None = None
    identifiers: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, kw_only=True)
class MergeAnswer:
    """What a merge did or would do. `merge_id` is None where it was only a preview, or had been done before."""

    preview: MergePreview
    survivor: Stored
    merge_id: str | None = None


def merge(
    app: App,
    tx: Transaction,
    principal: Principal,
    source: Named,
    target: Named,
    *,
    result: Resource | None = None,
    only_preview: bool = False,
) -> MergeAnswer:
    """The source patient is merged into the target. `result` is how the target is to read afterwards: it must have the
    target's id; old numbers and links are added to it. `Rejected` where it is not clear who is meant, `Conflict` where
    the two are joined the other way round. Nothing changes for a preview."""
    prior, survivor = find(tx, source), find(tx, target)
    if prior == survivor:
        raise Rejected(at=source.at, expected="another patient than the target", code="business-rule")
    survivor_now = app.record.read(tx, principal, "Patient", survivor)
    prior_now = app.record.read(tx, principal, "Patient", prior)
    if result is not None and result.get("id") != survivor:
        raise Rejected(at="result-patient.id", expected="the id of the target patient", code="business-rule")
    told = preview(app, tx, survivor, prior)
    if only_preview:
        return MergeAnswer(preview=told, survivor=survivor_now)
    current = identity.survivor_of(tx, survivor)
    if merges.standing_merge(tx, prior) is not None and identity.survivor_of(tx, prior) != current:
        raise Conflict("the source patient is merged into another patient already")
    done = merging.merge(app, tx, principal, survivor, prior, "asked for by $merge")
    if done is None:
        raise Conflict("these two are joined the other way round already")
    if result is not None and current == survivor:
        writing.write(app, tx, principal, [_put(as_survivor(result, prior_now.resource))])
    return MergeAnswer(
        preview=told, survivor=app.record.read(tx, principal, "Patient", current), merge_id=done.id
    )  # fmt: skip


def unmerge(app: App, tx: Transaction, principal: Principal, source: Named, why: str) -> tuple[Merge, Stored]:
    """The merge by which the source patient is merged away is taken back; answers it and the patient, who stands for
    themself again. `NotFound` where that patient is not merged away."""
    prior = _by_reference(source) or find(tx, source)
    done = merges.standing_merge(tx, prior)
    if done is None:
        raise NotFound("this patient is not merged into another")
    undone = merging.unmerge(app, tx, principal, done.id, why)
    return undone, app.record.read(tx, principal, "Patient", prior)


def find(tx: Transaction, named: Named) -> str:
    """The id of the patient who is meant. `Rejected` where that is nobody or more than one."""
    by_reference = _by_reference(named)
    numbers = [
        identity.Identifier(system=str(one.get("system", "")), value=str(one.get("value", "")))
        for one in named.identifiers
    ]
    known = store.holders(tx, numbers) if numbers else {}
    found = {prior or holder for holder, prior in known.values()} | ({by_reference} if by_reference else set())
    if len(found) != 1 or len(known) < len(numbers):
        raise Rejected(at=named.at, expected="a reference or identifiers that name one patient", code="not-found")
    return found.pop()


def _by_reference(named: Named) -> str | None:
    if named.reference is None:
        return None
    kind, _, patient_id = named.reference.rpartition("/")
    if kind.rpartition("/")[2] != "Patient" or not patient_id:
        raise Rejected(at=named.at, expected="a reference to a Patient", code="value")
    return patient_id


def _put(resource: Resource) -> Write:
    return Write(method="update", resource_type="Patient", id=str(resource["id"]), resource=resource)
