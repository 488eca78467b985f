"""Two patients are one (A40, or a person says so): all of the prior moves to the survivor, reversibly (TR-09)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from careloop import identity
from careloop.access.model import Principal, Tenant, system_principal
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import closing, diary
from careloop.flows.app import App
from careloop.flows.match_tasks import announce
from careloop.identity import merges
from careloop.identity.likeness import likeness_of
from careloop.identity.matches import answer_by_merge, answer_by_unmerge
from careloop.identity.merges import Merge, Moved
from careloop.identity.rules.merged import as_prior, as_survivor, released, restored, stub, with_old_numbers
from careloop.identity.rules.rewriting import redirected, reference_paths
from careloop.record import Stored, Write
from careloop.teams import store as teams

Resource = dict[str, Any]

_STAYS_BEHIND = frozenset({"Patient", "Provenance", "AuditEvent"})
"""Never moved: who the people were, and what was done and seen when."""
_LOOP_CODES = ("urn:careloop:pathway", "urn:careloop:step")
"""Tasks of the loop engine follow their loops (`closing.review`); those of person-match name both patients for ever."""
_AT_ONCE = 500


def merge(
    app: App, tx: Transaction, principal: Principal, survivor_id: str, prior_id: str, source: str
) -> Merge | None:
    """Everything of the prior patient is the survivor's from now on, and so is every number that named the prior.

    `source` says who said so: a message's control id or a person's reason. Doing it again changes nothing. A merge
    against an earlier one (the survivor is itself merged into the prior) is not done: None, the earlier one stands.
    A prior that is merged into a third patient joins nothing: the two survivors go to the review queue.
    """
    if survivor_id == prior_id:
        raise Rejected(at="MRG-1", expected="another patient than the one in PID-3", code="business-rule")
    tx.lock(f"patient {survivor_id}", f"patient {prior_id}")
    current = identity.survivor_of(tx, survivor_id)
    standing = merges.standing_merge(tx, prior_id)
    if standing is not None:
        _doubt(app, tx, current, identity.survivor_of(tx, prior_id))
        return standing
    if current == prior_id:
        return None
    return _merge(app, tx, principal, (current, survivor_id, prior_id), source)


def merge_numbers(
    app: App,
    tx: Transaction,
    principal: Principal,
    survivor_id: str,
    numbers: Sequence[identity.Identifier],
    source: str,
) -> Merge | None:
    """`merge` of the patient whom these numbers name (MRG-1). A number that nobody has used yet is kept: whatever
    comes by it later belongs to the survivor, and a person can see that it waits."""
    found = identity.resolve(tx, app.record, app.clock.now(), numbers)
    prior_id = found.named_prior or found.patient_id
    if prior_id == identity.survivor_of(tx, survivor_id):
        return None
    return merge(app, tx, principal, survivor_id, prior_id, source)


def unmerge(app: App, tx: Transaction, principal: Principal, merge_id: str, why: str = "unmerged") -> Merge:
    """Each record is with its own person again, also what was written to it since; loops are reviewed on both sides.

    Moves what the merge moved, and what came by the prior's numbers later (`note_later`). `Conflict` where the merge
    was taken back already.
    """
    done = merges.find_merge(tx, merge_id)
    if done.undone is not None:
        raise Conflict("this merge was taken back already")
    current = identity.survivor_of(tx, done.prior_id)
    tx.lock(f"patient {current}", f"patient {done.prior_id}")
    now = app.clock.now()
    followers = merges.take_back(tx, done, current, now, principal.reference)
    moved = [one for each in (done, *followers) for one in merges.moved_by(tx, each.id)]
    back = _move_back(app, tx, principal, moved, current, done.prior_id)
    people = _part_patients(app, tx, principal, done, current, followers)
    _explain(app, tx, principal, [*back, *people], f"unmerge {done.id}: {why}")
    answer_by_unmerge(tx, done, now, principal.reference, why)
    teams.part_lead(tx, done.prior_id, current, by=principal.reference, why=f"parted from Patient/{current}")
    _note(app, tx, [done.prior_id, current])
    announce(app, tx)
    closing.review(app, tx, [current, done.prior_id], f"Patient/{done.prior_id}")
    return merges.find_merge(tx, merge_id)


def note_later(app: App, tx: Transaction, found: identity.Resolution, written: Iterable[tuple[str, str, int]]) -> None:
    """Facts (type, id, version) that came by a number of a merged-away patient: they go back with it one day."""
    standing = merges.standing_merge(tx, found.named_prior) if found.named_prior else None
    if standing is None:
        return
    rows = [Moved(resource_type=kind, resource_id=one, version=version) for kind, one, version in written]
    merges.log_moved(tx, standing, [row for row in rows if row.resource_type not in _STAYS_BEHIND])
    merges.prior_appeared(tx, standing.prior_id, app.clock.now())


def gather_late(app: App, tenant: Tenant) -> int:
    """What was written about somebody after they were joined to another is the survivor's, with its loops, and goes
    back with the rest if the merge is taken back; how many things that were. For the worker; doing it again changes
    nothing."""
    with app.database.transaction(tenant.id, actor="merge") as tx:
        priors = merges.late_priors(tx, _STAYS_BEHIND)
    return sum(_gather_one(app, tenant, one) for one in priors)


def _gather_one(app: App, tenant: Tenant, prior_id: str) -> int:
    return app.database.run(tenant.id, lambda tx: _gather(app, tx, prior_id), actor="merge")


def _gather(app: App, tx: Transaction, prior_id: str) -> int:
    standing, current = merges.standing_merge(tx, prior_id), identity.survivor_of(tx, prior_id)
    if standing is None:
        return 0
    tx.lock(f"patient {current}", f"patient {prior_id}")
    principal = system_principal(tx.tenant_id, "merge")
    moved = _move(app, tx, principal, replace(standing, survivor_id=current, merged=app.clock.now()))
    if moved:
        why = f"joined with Patient/{prior_id}"
        teams.join_lead(tx, prior_id, current, at=app.clock.now(), by=principal.reference, why=why)
        _explain(app, tx, principal, moved, f"merge {standing.id}: written about the prior since")
        closing.review(app, tx, [current, prior_id], f"Patient/{prior_id}")
    return len(moved)


def keep_old_numbers(app: App, tx: Transaction, principal: Principal, priors: Sequence[Mapping[str, Any]]) -> None:
    """The survivors of these merged-away patients name their numbers as old ones: a search by any of them finds the
    survivor."""
    survivors = {str(prior["id"]): identity.survivor_of(tx, str(prior["id"])) for prior in priors}
    found = app.record.fetch(tx, sorted({f"Patient/{one}" for one in survivors.values()}))
    content = {reference: stored.resource for reference, stored in found.items()}
    for prior in priors:
        reference = f"Patient/{survivors[str(prior['id'])]}"
        if reference in content:
            content[reference] = with_old_numbers(content[reference], prior)
    changed = [person for reference, person in content.items() if person != found[reference].resource]
    app.record.write(tx, principal, app.clock.now(), [_put(person) for person in changed], validate=False)


def _merge(app: App, tx: Transaction, principal: Principal, patients: tuple[str, str, str], source: str) -> Merge:
    current, named, prior_id = patients
    people = app.record.fetch(tx, [f"Patient/{patient_id}" for patient_id in {*patients}])
    prior = _person(tx, people, prior_id)
    done = Merge(
        id=new_id(),
        prior_id=prior_id,
        survivor_id=current,
        named_survivor_id=named,
        source=source,
        merged=app.clock.now(),
        merged_by=principal.reference,
        prior_was_active=prior.get("active"),
    )
    if f"Patient/{prior_id}" not in people:
        merges.put_pending(tx, done, merges.numbers_of(tx, prior_id))
    merges.put_merge(tx, done)
    moved = _move(app, tx, principal, done)
    joined = {current: as_survivor(_person(tx, people, current), prior), prior_id: as_prior(prior, named)}
    written = app.record.write(tx, principal, done.merged, [_put(person) for person in joined.values()], validate=False)
    _explain(app, tx, principal, [*moved, *(one.versioned_reference for one in written)], f"merge {done.id}: {source}")
    answer_by_merge(tx, done)
    why = f"joined with Patient/{prior_id}"
    teams.join_lead(tx, prior_id, current, at=done.merged, by=principal.reference, why=why)
    _note(app, tx, [current])
    announce(app, tx)
    closing.review(app, tx, [current, prior_id], f"Patient/{prior_id}")
    return done


def _person(tx: Transaction, people: dict[str, Stored], patient_id: str) -> Resource:
    found = people.get(f"Patient/{patient_id}")
    return found.resource if found else stub(patient_id, merges.numbers_of(tx, patient_id))


def _doubt(app: App, tx: Transaction, one: str, other: str) -> None:
    """Two survivors of one prior: a person must say whether they are one."""
    if one != other:
        candidate = identity.pair(one, other, identity.Reason.IDENTIFIER)
        identity.ask(tx, app.clock.now(), [candidate])
        announce(app, tx)


def _move(app: App, tx: Transaction, principal: Principal, done: Merge) -> list[str]:
    """Every resource about the prior names the survivor; answers their versioned references."""
    types = [kind for kind in merges.types_about(tx, done.prior_id) if kind not in _STAYS_BEHIND]
    mine = [one for one in app.record.of_patient(tx, done.prior_id, types) if not _follows_its_loop(one)]
    told: list[str] = []
    for start in range(0, len(mine), _AT_ONCE):
        told += _move_some(app, tx, principal, done, mine[start : start + _AT_ONCE])
    return told


def _move_some(app: App, tx: Transaction, principal: Principal, done: Merge, some: Sequence[Stored]) -> list[str]:
    origin, target = f"Patient/{done.prior_id}", f"Patient/{done.survivor_id}"
    writes = [_put(redirected(one.resource, origin, target)) for one in some]
    written = app.record.write(tx, principal, done.merged, writes, validate=False)
    diary.note(app, tx, system_principal(tx.tenant_id, "merge"), written)
    rows = [
        Moved(
            resource_type=old.resource_type,
            resource_id=old.id,
            version=new.version,
            paths=tuple(reference_paths(old.resource, origin)) if reference_paths(old.resource, target) else None,
        )
        for old, new in zip(some, written, strict=True)
    ]
    merges.log_moved(tx, done, rows)
    return [one.versioned_reference for one in written]


def _move_back(
    app: App, tx: Transaction, principal: Principal, moved: Sequence[Moved], current: str, prior_id: str
) -> list[str]:
    """The moved resources, as they read now, name the prior again; answers their versioned references."""
    paths = {one.reference: one.paths for one in moved}
    told: list[str] = []
    for start in range(0, len(moved), _AT_ONCE):
        some = app.record.fetch(tx, [one.reference for one in moved[start : start + _AT_ONCE]])
        returned = [
            redirected(one.resource, f"Patient/{current}", f"Patient/{prior_id}", paths[reference])
            for reference, one in some.items()
        ]
        written = app.record.write(tx, principal, app.clock.now(), [_put(one) for one in returned], validate=False)
        diary.note(app, tx, system_principal(tx.tenant_id, "merge"), written)
        told += [one.versioned_reference for one in written]
    return told


def _part_patients(
    app: App, tx: Transaction, principal: Principal, done: Merge, current: str, followers: Sequence[Merge]
) -> list[str]:
    """The prior stands for itself and for those who were merged into it; the survivors lose its links and the old
    numbers that came with it."""
    survivors = sorted({done.named_survivor_id, done.survivor_id, current} - {done.prior_id})
    gone = [done.prior_id, *(one.prior_id for one in followers)]
    people = app.record.fetch(tx, [f"Patient/{patient_id}" for patient_id in [*gone, *survivors]])
    content = {reference.removeprefix("Patient/"): one.resource for reference, one in people.items()}
    prior = restored(content[done.prior_id], done.named_survivor_id, done.prior_was_active)
    for follower in gone[1:]:
        prior = as_survivor(prior, content[follower])
    numbers = {(entry.get("system"), entry.get("value")) for entry in prior.get("identifier") or []}
    parted = [released(content[one], gone, numbers) for one in survivors if one in content]
    writes = [_put(person) for person in (prior, *parted)]
    written = app.record.write(tx, principal, app.clock.now(), writes, validate=False)
    return [one.versioned_reference for one in written]


def _note(app: App, tx: Transaction, patients: Sequence[str]) -> None:
    people = app.record.fetch(tx, [f"Patient/{patient_id}" for patient_id in patients])
    resources = [person.resource for person in people.values()]
    identity.note_patients(tx, app.clock.now(), resources, likeness_of(app.catalog))


def _explain(app: App, tx: Transaction, principal: Principal, targets: Sequence[str], why: str) -> None:
    """One Provenance says what was moved, by whom and on whose word."""
    now = app.clock.now()
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": reference} for reference in targets],
        "recorded": now.isoformat(timespec="milliseconds"),
        "reason": [{"text": why}],
        "activity": {"coding": [{"system": "urn:careloop:activity", "code": why.split()[0]}]},
        "agent": [{"who": {"reference": principal.reference, "display": principal.name}}],
    }
    write = Write(method="create", resource_type="Provenance", id=new_id(), resource=provenance)
    app.record.write(tx, principal, now, [write], validate=False, audit=False)


def _follows_its_loop(one: Stored) -> bool:
    codings = one.resource.get("code", {}).get("coding", []) if one.resource_type == "Task" else []
    return any(coding.get("system") in _LOOP_CODES for coding in codings)


def _put(resource: Resource) -> Write:
    kind = str(resource["resourceType"])
    return Write(method="update", resource_type=kind, id=str(resource["id"]), resource=resource)
