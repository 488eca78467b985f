"""`_include` and `_revinclude`: what comes along with a page. No body is opened for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.db.exchange import Statement
from careloop.fhir.clauses import Include
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.tokens import field_hash, token_hash
from careloop.record import store
from careloop.record.model import Stored
from careloop.record.search.asking import Asking

MAX_INCLUDED = 1000
MAX_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Includer:
    """Finds what comes along, as far as the principal may see it."""

    tenant_id: int
    principal: Principal
    definitions: SearchDefinitions

    def included(self, page: Sequence[Stored], includes: Sequence[Include]) -> Asking[tuple[list[Stored], bool]]:
        """What comes along, each resource once, and whether some was left out because it was too much."""
        known = {stored.reference for stored in page}
        found: list[Stored] = []
        fresh: Sequence[Stored] = page
        wanted = list(includes)
        for _ in range(MAX_ROUNDS):
            if not fresh or not wanted:
                return found, False
            each = {one.reference: one for one in (yield from self._along(fresh, wanted))}
            fresh = [one for reference, one in each.items() if reference not in known]
            known |= {one.reference for one in fresh}
            found += fresh
            if len(found) > MAX_INCLUDED:
                return found[:MAX_INCLUDED], True
            wanted = [include for include in includes if include.iterate]
        return found, bool(fresh and wanted)

    def _along(self, fresh: Sequence[Stored], includes: Sequence[Include]) -> Asking[list[Stored]]:
        """What comes along in one round: one query for each `_include`, one for all `_revinclude`."""
        asked = [self._referred(fresh, include) for include in includes if not include.reverse]
        asked.append(self._referring(fresh, [include for include in includes if include.reverse]))
        found: list[Stored] = []
        for one in asked:
            if one is not None:
                found += [store.stored_of(row) for row in (yield one)]
        return [one for one in found if may(self.principal, "search", one.resource_type)]

    def _referred(self, fresh: Sequence[Stored], include: Include) -> Statement | None:
        sources = [one for one in fresh if one.resource_type == include.source]
        if not sources:
            return None
        values = {
            "types": store.joined(one.resource_type for one in sources),
            "ids": store.joined(one.id for one in sources),
            "fields": store.array(self._fields(include)),
            "targets": self._targets(include),
            "limit": MAX_INCLUDED + 1,
        }
        return Statement(store.SQL["included"], values, "force_generic_plan")

    def _referring(self, fresh: Sequence[Stored], includes: Sequence[Include]) -> Statement | None:
        tokens = [
            token_hash(self.tenant_id, include.source, name, one.reference)
            for include in includes
            if may(self.principal, "search", include.source)
            for one in fresh
            if include.target in (None, one.resource_type)
            for name in self._names(include)
        ]
        if not tokens:
            return None
        values = {"tokens": store.array(dict.fromkeys(tokens)), "limit": MAX_INCLUDED + 1}
        return Statement(store.SQL["referring"], values, "force_generic_plan")

    def _fields(self, include: Include) -> list[int]:
        return [field_hash(self.tenant_id, include.source, name) for name in self._names(include)]

    def _targets(self, include: Include) -> list[str] | None:
        """The types that may come along; None where any may."""
        if include.target is not None:
            return [include.target]
        known = self.definitions.of(include.source)
        named = [known[name].targets for name in self._names(include) if name in known]
        return sorted({kind for one in named for kind in one}) if all(named) else None

    def _names(self, include: Include) -> list[str]:
        if include.parameter != "*":
            return [include.parameter]
        return [name for name, one in self.definitions.of(include.source).items() if one.type == "reference"]
