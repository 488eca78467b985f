"""Writing a set of resources: lock, decide, store, index, tell the feed. A fixed number of statements for any set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from careloop.db import Row, Transaction
from careloop.errors import Fault, Rejected
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.validation import Validator
from careloop.record import store
from careloop.record.content import to_milliseconds, with_meta
from careloop.record.decide import Current, Decision, Prepared, decide, prepare
from careloop.record.indexing import Indexer, IndexRows
from careloop.record.model import Write, Written
from careloop.record.zones import Zones

_NAMED_LOCKS = 100
"""Up to this many ids are guarded by named locks, as they may be new; larger sets rest on the unique constraint and are
done again."""


@dataclass(frozen=True)
class Begun:
    """Writes that fit together, and what stands in their places, locked."""

    prepared: Sequence[Prepared]
    standing: Callable[[], dict[tuple[str, str], Row]]


class Writer:
    """Writes sets of resources. Holds no state but the process's block of keys."""

    def __init__(self, definitions: SearchDefinitions, validator: Validator) -> None:
        self._indexer = Indexer(definitions)
        self._validator = validator
        self.zones = Zones()
        self._keys = store.KeyBlocks()

    def check(self, writes: Sequence[Write]) -> tuple[Fault, ...]:
        """The warnings of valid content; `Rejected` with all faults of the first resource that is not valid."""
        warnings: list[Fault] = []
        for write in writes:
            if write.resource is not None:
                warnings += refuse_errors(self._validator.validate(write.resource))
        return tuple(warnings)

    def ahead(self, tenant_id: int, zone: tzinfo, writes: Sequence[Write]) -> list[Prepared]:
        """The writes with all that can be made of them before anything is asked: content and index rows."""
        return [self._ahead(tenant_id, zone, prepare(write)) for write in writes]

    def _ahead(self, tenant_id: int, zone: tzinfo, one: Prepared) -> Prepared:
        resource = one.write.resource
        if resource is None:
            return one
        index = self._indexer.rows(tenant_id, zone, {**resource, "id": one.id})
        return Prepared(one.write, one.id, one.chosen, one.content, index, zone)

    def begin(self, tx: Transaction, writes: Sequence[Write | Prepared]) -> Begun:
        """The writes fit together; what stands in their places is asked for and locked with what is asked next."""
        prepared = [one if isinstance(one, Prepared) else prepare(one) for one in writes]
        _refuse_repeats(prepared)
        named = [one.key for one in prepared if one.chosen]
        if len(named) > _NAMED_LOCKS:
            return Begun(prepared, lambda: store.lock_current(tx, named))
        if not named:
            return Begun(prepared, dict)
        locked = store.lock_named(tx, named)
        return Begun(prepared, lambda: store.by_name(locked.rows[-1]))

    def carry_out(self, tx: Transaction, now: datetime, begun: Begun) -> list[Written]:
        """All writes leave with what is asked next, and are then stored, findable and told to the feed; answers in
        their order. Where somebody else was first, what is asked next raises `Contended` or `PreconditionFailed`."""
        prepared = begun.prepared
        current = {key: _current(row) for key, row in begun.standing().items()}
        decisions = [decide(one, current.get(one.key)) for one in prepared]
        moment = to_milliseconds(now)
        texts = self._store(tx, moment, decisions)
        return [_written(decision, moment, texts.get(decision.prepared.key)) for decision in decisions]

    def _store(
        self, tx: Transaction, now: datetime, decisions: Sequence[Decision]
    ) -> dict[tuple[str, str], store.NewVersion]:
        writing = sorted((one for one in decisions if one.writes), key=lambda one: one.prepared.key)
        fresh = [one for one in writing if one.current is None]
        keys = self._keys.take(tx, len(fresh))
        first = [self._version(tx, now, one, key) for one, key in zip(fresh, keys, strict=True)]
        later = [self._version(tx, now, one, one.current.key) for one in writing if one.current is not None]
        store.insert(tx, now, first)
        store.supersede(tx, now, later)
        return {(one.resource_type, one.id): one for one in (*first, *later)}

    def _version(self, tx: Transaction, now: datetime, decision: Decision, key: int) -> store.NewVersion:
        prepared, old = decision.prepared, decision.current
        content, resource = prepared.content, prepared.write.resource
        if content is None or resource is None:
            index = IndexRows(patient_id=old.patient_id if old is not None else None)
        elif prepared.index is not None and prepared.zone is self.zones.of(tx):
            index = prepared.index
        else:
            index = self._indexer.rows(tx.tenant_id, self.zones.of(tx), {**resource, "id": prepared.id})
        return store.NewVersion(
            key=key,
            resource_type=prepared.write.resource_type,
            id=prepared.id,
            version=decision.version,
            digest=0 if content is None else content.digest,
            text=None if content is None else content.text(decision.version, now),
            index=index,
            change=decision.change.value,
            old_tokens=old.tokens if old is not None else frozenset(),
        )


def refuse_errors(faults: Sequence[Fault]) -> list[Fault]:
    """The faults that are only warnings; `Rejected` with all of them when one is an error."""
    errors = [fault for fault in faults if fault.severity in ("error", "fatal")]
    if errors:
        raise Rejected(at=errors[0].at, expected=errors[0].expected, code=errors[0].code, faults=faults)
    return list(faults)


def _refuse_repeats(prepared: Sequence[Prepared]) -> None:
    seen: set[tuple[str, str]] = set()
    for one in prepared:
        if one.key in seen:
            raise Rejected(at=one.write.resource_type, expected="each resource at most once in one set of writes")
        seen.add(one.key)


def _current(row: Row) -> Current:
    return Current(
        key=row["key"],
        version=row["version"],
        deleted=row["deleted"],
        digest=row["digest"],
        last_updated=row["last_updated"],
        patient_id=row["patient_id"],
        tokens=frozenset(row["tokens"]),
    )


def _written(decision: Decision, now: datetime, stored: store.NewVersion | None) -> Written:
    prepared, current = decision.prepared, decision.current
    resource = prepared.write.resource
    changed = now if stored is not None or current is None else current.last_updated
    return Written(
        resource_type=prepared.write.resource_type,
        id=prepared.id,
        version=decision.version,
        change=decision.change,
        patient_id=_patient(decision, stored),
        last_updated=changed,
        resource=None if resource is None else with_meta(resource, prepared.id, decision.version, changed),
        text=stored.text if stored is not None else None,
        references=stored.index.references if stored is not None else (),
        former_patient_id=current.patient_id if current is not None else None,
    )


def _patient(decision: Decision, stored: store.NewVersion | None) -> str | None:
    """Whose resource it is; for a deletion, whose it was."""
    if stored is not None:
        return stored.index.patient_id
    return decision.current.patient_id if decision.current is not None else None
