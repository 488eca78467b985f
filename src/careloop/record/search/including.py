"""`_include` and `_revinclude`: what comes along with a page. No body is opened for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.db import Transaction
from careloop.fhir.clauses import Include
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.tokens import field_hash, token_hash
from careloop.record import store
from careloop.record.model import Stored

MAX_INCLUDED = 1000
MAX_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Includer:
    """Finds what comes along, as far as the principal may see it."""

    tx: Transaction
    principal: Principal
    definitions: SearchDefinitions

    def included(self, page: Sequence[Stored], includes: Sequence[Include]) -> tuple[list[Stored], bool]:
        """What comes along, each resource once, and whether some was left out because it was too much."""
        known = {stored.reference for stored in page}
        found: list[Stored] = []
        fresh: Sequence[Stored] = page
        wanted = list(includes)
        for _ in range(MAX_ROUNDS):
            if not fresh or not wanted:
                return found, False
            each = {one.reference: one for one in self._along(fresh, wanted)}
            fresh = [one for reference, one in each.items() if reference not in known]
            known |= {one.reference for one in fresh}
            found += fresh
            if len(found) > MAX_INCLUDED:
                return found[:MAX_INCLUDED], True
            wanted = [include for include in includes if include.iterate]
        return found, bool(fresh and wanted)

    def _along(self, fresh: Sequence[Stored], includes: Sequence[Include]) -> list[Stored]:
        """What comes along in one round: one query for each `_include`, one for all `_revinclude`."""
        found = [one for include in includes if not include.reverse for one in self._referred(fresh, include)]
        found += self._referring(fresh, [include for include in includes if include.reverse])
        return [one for one in found if may(self.principal, "search", one.resource_type)]

    def _referred(self, fresh: Sequence[Stored], include: Include) -> list[Stored]:
        sources = [one for one in fresh if one.resource_type == include.source]
        if not sources:
            return []
        values = {
            "types": store.joined(one.resource_type for one in sources),
            "ids": store.joined(one.id for one in sources),
            "fields": store.array(self._fields(include)),
            "target": include.target,
            "limit": MAX_INCLUDED + 1,
        }
        return [store.stored_of(row) for row in self.tx.rows(store.SQL["included"], values)]

    def _referring(self, fresh: Sequence[Stored], includes: Sequence[Include]) -> list[Stored]:
        tokens = [
            token_hash(self.tx.tenant_id, include.source, name, one.reference)
            for include in includes
            if may(self.principal, "search", include.source)
            for one in fresh
            if include.target in (None, one.resource_type)
            for name in self._names(include)
        ]
        if not tokens:
            return []
        values = {"tokens": store.array(dict.fromkeys(tokens)), "limit": MAX_INCLUDED + 1}
        return [store.stored_of(row) for row in self.tx.rows(store.SQL["referring"], values)]

    def _fields(self, include: Include) -> list[int]:
        return [field_hash(self.tx.tenant_id, include.source, name) for name in self._names(include)]

    def _names(self, include: Include) -> list[str]:
        if include.parameter != "*":
            return [include.parameter]
        return [name for name, one in self.definitions.of(include.source).items() if one.type == "reference"]
