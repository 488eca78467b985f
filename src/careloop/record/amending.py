"""New versions that differ from what stands in a few elements: what the index says of all others is left alone.

The same version, digest, history, tokens and feed entry come of it as of an update with the whole content; it costs a
third. Only for elements that search parameters read by themselves, and whose change moves tokens alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from careloop.db import Contended, Row, Transaction, UniqueViolation
from careloop.events import ChangeKind
from careloop.fhir.jsons import decode, encode
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.record import store
from careloop.record.content import content_of, to_milliseconds
from careloop.record.indexing import Indexer, IndexRows
from careloop.record.model import Amendment, Written
from careloop.record.zones import Zones

Shape = tuple[str, frozenset[str]]
"""A type and some of its elements."""

_CHANGED = "somebody else changed the same resource just now"
_REMEMBERED = 1000
"""Values whose index rows are remembered, for each shape."""


@dataclass(frozen=True, slots=True)
class _Amended:
    """A row as it stands, and the version that comes over it."""

    row: Row
    version: store.NewVersion


class Amender:
    """Amends sets of resources. Remembers, by type and elements, which parameters read them."""

    def __init__(self, definitions: SearchDefinitions, zones: Zones) -> None:
        self._definitions = definitions
        self._zones = zones
        self._indexers: dict[Shape, _Narrow | None] = {}

    def amend(self, tx: Transaction, now: datetime, amendments: Sequence[Amendment]) -> list[Written] | None:
        """A new version of each, in the order given. None, and nothing is written, where one does not stand, or its
        index would say something else by more than tokens."""
        found = store.read_whole(tx, [(one.resource_type, one.id) for one in amendments])
        moment = to_milliseconds(now)
        amended = [self._amended(tx, moment, one, found.get((one.resource_type, one.id))) for one in amendments]
        known = [one for one in amended if one is not None]
        if len(known) < len(amendments):
            return None
        changed = [one.version for one in known if one.version.digest != one.row["digest"]]
        try:
            written = store.amend(tx, moment, changed)
        except UniqueViolation as error:
            raise Contended(_CHANGED, retry_after_seconds=1) from error
        if written != len(changed):
            raise Contended(_CHANGED, retry_after_seconds=1)
        return [_written(one, moment) for one in known]

    def _amended(self, tx: Transaction, now: datetime, one: Amendment, row: Row | None) -> _Amended | None:
        if row is None or row["deleted"]:
            return None
        resource = decode(row["body"])
        amended = {**resource, **one.elements}
        index = self._index(tx, row, resource, amended, frozenset(one.elements))
        if index is None:
            return None
        content = content_of(amended, one.resource_type, one.id)
        version = int(row["version"]) + 1
        return _Amended(
            row,
            store.NewVersion(
                key=row["key"],
                resource_type=one.resource_type,
                id=one.id,
                version=version,
                digest=content.digest,
                text=content.text(version, now),
                index=index,
                change=ChangeKind.UPDATED.value,
                old_tokens=frozenset(row["tokens"]),
            ),
        )

    def _index(
        self,
        tx: Transaction,
        row: Row,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        elements: frozenset[str],
    ) -> IndexRows | None:
        """What stands, with the tokens of these elements exchanged; None where that does not say it all."""
        indexer = self._indexer((row["type"], elements))
        if indexer is None:
            return None
        zone = self._zones.of(tx)
        old = indexer.rows(tx.tenant_id, zone, before)
        new = indexer.rows(tx.tenant_id, zone, after)
        if _beside_tokens(old) or _beside_tokens(new) or old.present != new.present:
            return None
        tokens = (frozenset(row["tokens"]) - frozenset(old.tokens)) | frozenset(new.tokens)
        return IndexRows(patient_id=row["patient_id"], tokens=tuple(sorted(tokens)), words=new.words)

    def _indexer(self, shape: Shape) -> "_Narrow | None":
        if shape not in self._indexers:
            narrow = self._definitions.reading(*shape)
            self._indexers[shape] = None if narrow is None else _Narrow(narrow, shape)
        return self._indexers[shape]


class _Narrow:
    """The index rows of some elements of a type. Remembers those of values that it saw: clocks have four words."""

    def __init__(self, definitions: SearchDefinitions, shape: Shape) -> None:
        self._indexer = Indexer(definitions)
        self._type = shape[0]
        self._elements = sorted(shape[1] & definitions.elements(shape[0]))
        self._known: dict[tuple[int, tzinfo, bytes], IndexRows] = {}

    def rows(self, tenant_id: int, zone: tzinfo, resource: Mapping[str, Any]) -> IndexRows:
        """What the elements of this resource say."""
        part = {name: resource[name] for name in self._elements if name in resource}
        key = tenant_id, zone, encode(part)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._indexer.rows(tenant_id, zone, {"resourceType": self._type, **part})
        return found


def _beside_tokens(rows: IndexRows) -> bool:
    return bool(rows.dates or rows.strings or rows.quantities or rows.references)


def _written(amended: _Amended, now: datetime) -> Written:
    row, version = amended.row, amended.version
    same = version.digest == row["digest"]
    return Written(
        resource_type=version.resource_type,
        id=version.id,
        version=version.version - same,
        change=ChangeKind.UNCHANGED if same else ChangeKind.UPDATED,
        patient_id=row["patient_id"],
        last_updated=now,
        resource=None,
        text=None if same else version.text,
        former_patient_id=row["patient_id"],
    )
