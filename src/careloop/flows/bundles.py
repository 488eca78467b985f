"""Batch and transaction bundles (FHIR R4 http, sections 3.1.0.11.1 and .2).

A transaction is all or nothing: every entry is read, its identity settled and its content checked before the first
write; then deletes, creates, updates and reads are done in that order, writes as one set. In a batch each entry
stands for itself.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import CareloopError, Fault, Gone, NotFound, PreconditionFailed, Rejected, Unavailable
from careloop.events import ChangeKind
from careloop.fhir.ids import new_id
from careloop.fhir.references import references, rewrite
from careloop.flows import writing
from careloop.flows.app import App
from careloop.flows.bundle_answers import answer_of, refused
from careloop.flows.bundle_entries import (
    Entry,
    batch_entries,
    located,
    patch_of,
    read_entries,
    read_entry,
    refusal,
    refuse_same_names,
)
from careloop.flows.bundle_links import Links
from careloop.flows.bundle_reads import answer_to_get
from careloop.flows.conditional import find_one
from careloop.flows.interactions import Interaction, as_unchanged
from careloop.flows.json_patch import apply_patch, copied, pruned
from careloop.record import Write, Written

Resource = dict[str, Any]
Operate = Callable[[Interaction, Entry], Resource]

_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 3, "GET": 4, "HEAD": 5}


def execute(
    app: App,
    tx: Transaction,
    principal: Principal,
    bundle: Mapping[str, Any],
    *,
    base: str | None = None,
    prefers: str | None = None,
    operate: Operate | None = None,
) -> Resource:
    """The response bundle, one entry for each of the request. Of a transaction all is done or, with the first error
    that names its entry, nothing; of a batch each entry tells for itself. `prefers` is what each answer holds beside
    its status: `minimal` (the default), `representation` or `OperationOutcome`. `operate` carries out an entry of a
    batch that calls an operation; without it there are none.
    """
    door = Interaction(app=app, tx=tx, principal=principal)
    match bundle.get("type"):
        case "transaction":
            answers = _Transaction(door, base, prefers).execute(read_entries(bundle, base))
            return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}
        case "batch":
            entries = batch_entries(bundle)
            work = partial(_carry_out, door, base=base, prefers=prefers, operate=operate)
            answers = [_alone(door, index, entry, base, work) for index, entry in enumerate(entries)]
            return {"resourceType": "Bundle", "type": "batch-response", "entry": answers}
    raise Rejected(at="Bundle.type", expected="transaction or batch", code="value")


def _alone(door: Interaction, index: int, raw: Any, base: str | None, work: Callable[[Entry], Resource]) -> Resource:
    try:
        with door.tx.savepoint():
            return work(read_entry(index, raw, base))
    except Unavailable:
        raise
    except CareloopError as error:
        return refused(error)


def _carry_out(
    door: Interaction, entry: Entry, *, base: str | None, prefers: str | None, operate: Operate | None
) -> Resource:
    """One entry of a batch."""
    if operate is not None and entry.is_operation:
        return operate(door, entry)
    if entry.method in ("GET", "HEAD"):
        return answer_to_get(door, entry, base)
    return answer_of(_changed(door, entry), prefers=prefers)


def _changed(door: Interaction, entry: Entry) -> Written | None:
    kind, identity, resource = entry.resource_type, entry.resource_id, copied(entry.resource or {})
    if_match, query = entry.if_match, entry.query
    match entry.method:
        case "POST" if len(entry.path) == 1:
            return door.create(kind, resource, entry.if_none_exist)
        case "PUT" if identity is not None:
            nothing_yet = entry.if_none_match == "*"
            return door.update(kind, identity, resource, if_match=if_match, if_none_match_any=nothing_yet)
        case "PUT" if query:
            return door.conditional_update(kind, query, resource, if_match=if_match)
        case "PATCH" if identity is not None:
            return door.patch(kind, identity, patch_of(entry), if_match=if_match)
        case "PATCH" if query:
            return door.conditional_patch(kind, query, patch_of(entry), if_match=if_match)
        case "DELETE" if identity is not None:
            return door.delete(kind, identity, if_match=if_match)
        case "DELETE" if query:
            return door.conditional_delete(kind, query, if_match=if_match)
    raise refusal(entry, "request.url", "an address that fits the method", "not-supported")


class _Transaction:
    """One transaction bundle on its way."""

    def __init__(self, door: Interaction, base: str | None, prefers: str | None) -> None:
        self.door = door
        self.base = base
        self.prefers = prefers
        self.identities: dict[int, str] = {}
        self.answers: dict[int, Resource] = {}
        self.links = Links()

    def execute(self, entries: Sequence[Entry]) -> list[Resource]:
        """The answers in the order of the entries."""
        refuse_same_names(entries)
        for entry in entries:
            self._settle(entry)
        self._refuse_repeats(entries)
        self._answer_conditions(entries)
        ordered = sorted(entries, key=lambda entry: _ORDER[entry.method])
        reading = [one for one in ordered if one.method in ("GET", "HEAD")]
        changing = [one for one in ordered if one.method not in ("GET", "HEAD")]
        self._write([one for one in changing if one.index not in self.answers])
        for entry in reading:
            self._read(entry)
        return [self.answers[entry.index] for entry in entries]

    def _settle(self, entry: Entry) -> None:
        """The identity that an entry's resource will have; links to the entry will be links to that."""
        kind = entry.resource_type
        try:
            identity = self._identity(entry)
        except Rejected as error:
            raise located(error, entry) from error
        except PreconditionFailed as error:
            raise PreconditionFailed(f"{entry.at}: {error.message}") from error
        if identity is None:
            return
        self.identities[entry.index] = identity
        if entry.full_url is not None and entry.method in ("POST", "PUT", "PATCH"):
            is_new = entry.method == "POST"
            self.links.add(entry.full_url, f"{kind}/{identity}", entry.resource, is_new=is_new)

    def _identity(self, entry: Entry) -> str | None:
        door, kind = self.door, entry.resource_type
        if entry.method in ("GET", "HEAD"):
            return None
        if entry.resource_id is not None:
            return entry.resource_id
        if entry.method == "POST":
            return self._existing_or_new(entry)
        if entry.query is None:
            raise refusal(entry, "request.url", "Type/id or Type?parameters", "value")
        found = find_one(door.app, door.tx, door.principal, kind, entry.query)
        if found is not None:
            return found.id
        if entry.method == "DELETE":
            self.answers[entry.index] = answer_of(None, prefers=self.prefers)
            return None
        if entry.method == "PATCH":
            raise NotFound(f"{entry.at}: there is no such resource")
        return str((entry.resource or {}).get("id") or new_id())

    def _existing_or_new(self, entry: Entry) -> str:
        door = self.door
        if entry.if_none_exist is not None:
            found = find_one(door.app, door.tx, door.principal, entry.resource_type, entry.if_none_exist)
            if found is not None:
                self.answers[entry.index] = answer_of(as_unchanged(found), prefers=self.prefers)
                return found.id
        return new_id()

    def _refuse_repeats(self, entries: Sequence[Entry]) -> None:
        seen: set[tuple[str, str]] = set()
        for entry in entries:
            identity = self.identities.get(entry.index)
            if identity is None or entry.index in self.answers:
                continue
            if (entry.resource_type, identity) in seen:
                raise refusal(entry, "request.url", "each resource at most once in a transaction", "duplicate")
            seen.add((entry.resource_type, identity))

    def _answer_conditions(self, entries: Sequence[Entry]) -> None:
        """Links such as `Practitioner?identifier=system|value`, each to the one resource that it names."""
        door = self.door
        for entry in entries:
            for reference in references(entry.resource) if entry.resource is not None else ():
                kind, question, query = reference.partition("?")
                if not question or "/" in kind or reference in self.links:
                    continue
                stored = find_one(door.app, door.tx, door.principal, kind, query)
                if stored is None:
                    raise refusal(entry, "resource", f"a condition that names one {kind}", "not-found")
                self.links.add_condition(reference, stored.reference)

    def _write(self, entries: Sequence[Entry]) -> None:
        writes = [self._one_write(entry) for entry in entries]
        warnings = self._check(entries, writes)
        written = writing.write(self.door.app, self.door.tx, self.door.principal, writes, validate=False)
        for entry, write, done in zip(entries, writes, written, strict=True):
            if write.method == "update" and done.change is ChangeKind.CREATED:
                require(self.door.principal, "create", write.resource_type)
            self.answers[entry.index] = answer_of(done, warnings=warnings.get(entry.index, ()), prefers=self.prefers)

    def _one_write(self, entry: Entry) -> Write:
        kind, identity = entry.resource_type, self.identities[entry.index]
        interaction = {"DELETE": "delete", "POST": "create", "PUT": "update", "PATCH": "patch"}[entry.method]
        require(self.door.principal, interaction, kind)
        if entry.method == "DELETE":
            return Write(method="delete", resource_type=kind, id=identity, if_match=entry.if_match)
        if entry.method == "PATCH":
            return self._patched(entry, kind, identity)
        resource = copied(entry.resource)
        if resource.get("resourceType") != kind:
            raise refusal(entry, "resource.resourceType", f"{kind} as in the address", "value")
        if entry.method == "PUT" and resource.get("id", identity) != identity:
            raise refusal(entry, "resource.id", "the id of the address", "value")
        resource["id"] = identity
        rewrite(resource, self._links_of(entry))
        return Write(
            method="update" if entry.method == "PUT" else "create",
            resource_type=kind,
            id=identity,
            resource=resource,
            if_match=entry.if_match,
            if_none_match_any=entry.if_none_match == "*",
        )

    def _links_of(self, entry: Entry) -> dict[str, str]:
        return self.links.of(entry.full_url)

    def _patched(self, entry: Entry, kind: str, identity: str) -> Write:
        stored = self.door.app.record.fetch(self.door.tx, [f"{kind}/{identity}"]).get(f"{kind}/{identity}")
        if stored is None:
            raise NotFound(f"{entry.at}: there is no such resource")
        try:
            patched = pruned(apply_patch(stored.resource, patch_of(entry)))
        except Rejected as error:
            raise located(error, entry) from error
        rewrite(patched, self._links_of(entry))
        version = entry.if_match if entry.if_match is not None else stored.version
        return Write(method="update", resource_type=kind, id=identity, resource=patched, if_match=version)

    def _check(self, entries: Sequence[Entry], writes: Sequence[Write]) -> dict[int, list[Fault]]:
        """The warnings of each entry; `Rejected` with the faults of every entry that has some, each with its place."""
        faults: list[Fault] = []
        warnings: dict[int, list[Fault]] = {}
        settings = writing.settings_for(self.door.tx)
        for entry, write in zip(entries, writes, strict=True):
            try:
                if found := writing.check(self.door.app, self.door.tx, [write], settings):
                    warnings[entry.index] = found[0]
            except Rejected as error:
                faults += located(error, entry).faults
        if faults:
            raise Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults[:100])
        return warnings

    def _read(self, entry: Entry) -> None:
        try:
            self.answers[entry.index] = answer_to_get(self.door, entry, self.base)
        except Rejected as error:
            raise located(error, entry) from error
        except (Gone, NotFound) as error:
            raise type(error)(f"{entry.at}: {error.message}") from error
