"""Write once: everything that one saved act writes is one transaction, one Provenance, one receipt and one undo.

The Provenance has the id of the act. Its targets are the versions that the act wrote, so that undo takes back exactly
those, and says so where somebody changed one of them meanwhile.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.errors import Conflict, PreconditionFailed
from careloop.flows import engine, writing
from careloop.flows.app import App
from careloop.loops import store
from careloop.loops.model import LoopState, Status
from careloop.record import Stored, Write, Written

Json = dict[str, Any]
SYSTEM = "urn:careloop:act"
_ACTIVITY = {"coding": [{"system": SYSTEM, "code": "capture"}], "text": "Saved as one act"}
_STATUS_OF: Mapping[str, str] = {"Goal": "lifecycleStatus"}
_WRONG = "entered-in-error"


def write(
    app: App,
    tx: Transaction,
    principal: Principal,
    resources: Sequence[Json],
    *,
    act_id: str,
    also: Sequence[str] = (),
    typed: str = "",
) -> list[Written]:
    """The resources and the Provenance of the act are in the record. `also` are versions that other flows wrote for the
    same act; `typed` is the text that somebody typed."""
    writes = [
        Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=_bare(one))
        for one in resources
    ]
    done = writing.write(app, tx, principal, writes) if writes else []
    who = {"reference": principal.reference} if principal.practitioner_id else {"display": principal.name}
    targets = [*(one.versioned_reference for one in done), *also]
    provenance: Json = {
        "resourceType": "Provenance",
        "id": act_id,
        "target": [{"reference": one} for one in targets],
        "occurredDateTime": app.clock.now().replace(microsecond=0).isoformat(),
        "recorded": app.clock.now().isoformat(),
        "activity": _ACTIVITY,
        "agent": [{"who": who}],
    }
    if typed.strip():
        provenance["entity"] = [{"role": "quotation", "what": {"display": typed.strip()[:1000]}}]
    writing.write(
        app, tx, principal, [Write(method="update", resource_type="Provenance", id=act_id, resource=provenance)]
    )
    return done


def changes_of(
    app: App, before: Sequence[store.StoredLoop], after: Sequence[store.StoredLoop]
) -> list[tuple[str, str]]:
    """What became of loops: kind (`proof`, `closes`, `opens`, `try`) and words, by the numbers of the loops; those that
    open last, by name, so that a rehearsal says the same as the save."""
    stood = {loop.id: loop.state for loop in before}
    found: list[tuple[str, str]] = []
    for loop in sorted(after, key=lambda one: one.number):
        title = engine.title(app.catalog, loop.state.pathway, "")
        old = stood.get(loop.id)
        if old is None:
            found.append(("opens", title))
        else:
            found += [(kind, f"{words} of {title} (L-{loop.number})") for kind, words in _steps(app, old, loop.state)]
            if old.status.is_open and not loop.state.status.is_open:
                found.append(("closes", f"{title} (L-{loop.number})"))
    return sorted(found, key=lambda one: (one[0] == "opens", one[1] if one[0] == "opens" else ""))


_SAYS = {"proof": "Proof: ", "try": "A try: ", "closes": "Closes ", "opens": "Opens "}


def lines(changes: Sequence[tuple[str, str]]) -> list[str]:
    """What became of loops, one line each."""
    return [_SAYS[kind] + words for kind, words in changes]


def _steps(app: App, old: LoopState, new: LoopState) -> list[tuple[str, str]]:
    before = {step.step_id: step for step in old.steps}
    found = []
    for step in new.steps:
        was = before.get(step.step_id)
        title = step.title or engine.title(app.catalog, new.pathway, step.step_id)
        if step.status is Status.COMPLETED and (was is None or was.status is not Status.COMPLETED):
            found.append(("proof", f"“{title}”"))
        elif was is not None and len(step.attempts) > len(was.attempts):
            found.append(("try", f"“{title}”"))
    return found


def find(app: App, tx: Transaction, act_id: str) -> Stored | None:
    """The Provenance of an act that was saved as one; None where there is none."""
    found = app.record.fetch(tx, [f"Provenance/{act_id}"]).get(f"Provenance/{act_id}")
    if found is None or found.deleted or found.resource.get("activity") != _ACTIVITY:
        return None
    return found


def take_back(app: App, tx: Transaction, principal: Principal, act: Stored) -> None:
    """Everything that the act wrote counts no longer. `Conflict` where it was taken back or changed before."""
    targets = [str(one["reference"]).partition("/_history/") for one in act.resource["target"]]
    standing = app.record.fetch(tx, [thing for thing, _, _ in targets])
    writes = []
    for thing, _, version in targets:
        stored = standing.get(thing)
        if stored is None or stored.deleted or _status(stored.resource) == _WRONG:
            raise Conflict("this was undone already")
        if str(stored.version) != version:
            raise Conflict("part of it was changed meanwhile; correct it on the patient page")
        writes.append(_undone(app, tx, principal, stored))
    try:
        writing.write(app, tx, principal, writes)
    except PreconditionFailed as error:
        raise Conflict("part of it was changed meanwhile; correct it on the patient page") from error


def _undone(app: App, tx: Transaction, principal: Principal, stored: Stored) -> Write:
    """Made by the act: entered in error. Changed by the act: what stood before."""
    resource = stored.resource
    if stored.version > 1:
        resource = app.record.read_version(tx, principal, stored.resource_type, stored.id, stored.version - 1).resource
    else:
        resource = {**resource, _STATUS_OF.get(stored.resource_type, "status"): _WRONG}
    return Write(
        method="update",
        resource_type=stored.resource_type,
        id=stored.id,
        resource=_bare(resource),
        if_match=stored.version,
    )


def _status(resource: Mapping[str, Any]) -> str:
    return str(resource.get(_STATUS_OF.get(resource["resourceType"], "status"), ""))


def _bare(resource: Mapping[str, Any]) -> Json:
    """Without version and time, which the record sets; profiles, labels and where it came from stay."""
    kept = {name: value for name, value in resource.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
    rest = {name: value for name, value in resource.items() if name != "meta"}
    return {**rest, "meta": kept} if kept else rest
