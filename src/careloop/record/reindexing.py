"""Search parameters come and go while the record is in use: what was written before is indexed anew, in small sets.

`search_index` says by which definitions a tenant's resources are indexed in full. Where these are not the definitions
of this process, the resources of the types concerned are indexed anew, a set in a transaction, under the locks that a
write takes: writes go on in between, and a run that was broken off goes on where it ended. A parameter is offered when
the run that it needs is done; until then it is as unknown as before.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from threading import Lock

from careloop.db import Row, Transaction
from careloop.fhir.jsons import decode
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.record import store
from careloop.record.indexing import Indexer
from careloop.record.store import SQL, NewVersion
from careloop.record.zones import Zones

FORM = "1"
"""The form of the index itself. Another form means that everything is indexed anew."""

_EVERY_TYPE = ("Resource", "DomainResource")
_FORM_NAME = "*.form"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One set of a run: how many resources it indexed, and whether the index is complete now."""

    indexed: int
    complete: bool


class Index:
    """Which parameters each tenant's index holds in full, as this process knows it. Safe to share between threads."""

    def __init__(self, definitions: SearchDefinitions, zones: Zones) -> None:
        self._definitions = definitions
        self._zones = zones
        self._indexer = Indexer(definitions)
        self._complete: set[int] = set()
        self._begun: set[int] = set()
        self._partial: dict[frozenset[str], SearchDefinitions] = {}
        self._lock = Lock()

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The hash of every parameter of this process, and the form of the index."""
        return {**self._definitions.fingerprints(), _FORM_NAME: FORM}

    @cached_property
    def fingerprint(self) -> str:
        """One hash of them all."""
        return blake2b(json.dumps(self.parameters, sort_keys=True).encode(), digest_size=8).hexdigest()

    def begin(self, tx: Transaction) -> None:
        """Before the first write of this process for a tenant: an empty record is indexed in full."""
        if tx.tenant_id not in self._begun:
            values = {
                "tenant": tx.tenant_id,
                "parameters": json.dumps(self.parameters),
                "fingerprint": self.fingerprint,
            }
            tx.execute(SQL["begin_index"], values)
            tx.after_commit.append(lambda: self._begun.add(tx.tenant_id))

    def offered(self, tx: Transaction) -> SearchDefinitions:
        """The parameters that the tenant may search by: those whose indexing is done."""
        if tx.tenant_id in self._complete:
            return self._definitions
        hidden = self.hidden(tx)
        if not hidden:
            self._complete.add(tx.tenant_id)
        return self.without(hidden)

    def hidden(self, tx: Transaction) -> frozenset[str]:
        """The parameters `Base.code` that the tenant's index does not hold in full yet."""
        state = tx.one(SQL["index_state"])
        if state is None or state["fingerprint"] in ("", self.fingerprint):
            return frozenset()
        return frozenset(self._changed(state["parameters"])) - {_FORM_NAME}

    def without(self, hidden: frozenset[str]) -> SearchDefinitions:
        """The definitions without some parameters, made once."""
        with self._lock:
            return self._partial.setdefault(hidden, self._definitions.without(hidden))

    def forget(self, tx: Transaction) -> None:
        """Everything of the tenant is to be indexed anew."""
        tx.execute(SQL["adopt_index"], {"tenant": tx.tenant_id})
        self._save(tx, parameters="{}", fingerprint="", target=None)

    def step(self, tx: Transaction, limit: int) -> Step:
        """Indexes the next `limit` resources of the types whose parameters changed, as the only one to do so now."""
        if tx.one(SQL["index_state"]) is None:
            tx.execute(SQL["adopt_index"], {"tenant": tx.tenant_id})
        state = tx.one(SQL["lock_index_state"])
        if state is None or state["fingerprint"] == self.fingerprint:
            return Step(indexed=0, complete=True)
        if state["target"] != self.fingerprint:
            state = {**state, "reached_type": "", "reached_key": -1}
        rows = tx.rows(SQL["next_to_index"], {
            "types": self._types(state["parameters"]), "type": state["reached_type"], "key": state["reached_key"],
            "limit": limit,
        })  # fmt: skip
        if not rows:
            self._save(tx, parameters=json.dumps(self.parameters), fingerprint=self.fingerprint, target=None)
            return Step(indexed=0, complete=True)
        store.reindex(tx, [self._version(tx, row) for row in rows])
        self._save(tx, target=self.fingerprint, reached=(rows[-1]["type"], rows[-1]["key"]))
        return Step(indexed=len(rows), complete=False)

    def _version(self, tx: Transaction, row: Row) -> NewVersion:
        """The resource as it stands, with the index that it should have. What is not written is left empty."""
        return NewVersion(
            key=row["key"],
            resource_type=row["type"],
            id=row["id"],
            version=0,
            digest=0,
            text=None,
            index=self._indexer.rows(tx.tenant_id, self._zones.of(tx), decode(row["body"])),
            change="",
            old_tokens=frozenset(row["tokens"]),
        )

    def _changed(self, before: Mapping[str, str]) -> list[str]:
        """Parameters that are new, other than before, or gone."""
        return [
            name for name in {**before, **self.parameters} if before.get(name) != self.parameters.get(name)
        ]  # fmt: skip

    def _types(self, before: Mapping[str, str]) -> Sequence[str]:
        bases = {name.partition(".")[0] for name in self._changed(before)}
        every = self._definitions.types
        return sorted(every if bases & {*_EVERY_TYPE, "*"} else bases & every)

    def _save(
        self,
        tx: Transaction,
        *,
        parameters: str | None = None,
        fingerprint: str | None = None,
        target: str | None,
        reached: tuple[str, int] = ("", -1),
    ) -> None:
        values = {"parameters": parameters, "fingerprint": fingerprint, "target": target}
        tx.execute(SQL["save_index_state"], {**values, "type": reached[0], "key": reached[1]})
