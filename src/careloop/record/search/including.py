"""`_include` and `_revinclude`: what comes along with a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.db import Transaction
from careloop.fhir.clauses import Include
from careloop.fhir.searchparameters import SearchDefinitions, token_hash
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
            fresh = [one for one in self._round(fresh, wanted) if one.reference not in known]
            fresh = list({one.reference: one for one in fresh}.values())
            known |= {one.reference for one in fresh}
            found += fresh
            if len(found) > MAX_INCLUDED:
                return found[:MAX_INCLUDED], True
            wanted = [include for include in includes if include.iterate]
        return found, bool(fresh and wanted)

    def _round(self, fresh: Sequence[Stored], includes: Sequence[Include]) -> list[Stored]:
        forward = {reference for one in includes if not one.reverse for reference in self._targets(fresh, one)}
        pairs = [(kind, identity) for kind, _, identity in (one.partition("/") for one in sorted(forward))]
        found = store.fetch(self.tx, [pair for pair in pairs if may(self.principal, "search", pair[0])])
        for one in includes:
            if one.reverse and may(self.principal, "search", one.source):
                found += self._referring(fresh, one)
        return found

    def _targets(self, fresh: Iterable[Stored], include: Include) -> Iterable[str]:
        for stored in fresh:
            if stored.resource_type == include.source:
                for name in self._names(include):
                    for reference in self.definitions.targets(stored.resource, name):
                        if include.target is None or reference.startswith(include.target + "/"):
                            yield reference

    def _referring(self, fresh: Iterable[Stored], include: Include) -> list[Stored]:
        targets = [one for one in fresh if include.target in (None, one.resource_type)]
        tokens = [
            token_hash(self.tx.tenant_id, include.source, name, one.reference)
            for one in targets
            for name in self._names(include)
        ]
        values = {"tokens": store.array(tokens), "type": include.source, "limit": MAX_INCLUDED + 1}
        return [store.stored_of(row) for row in self.tx.rows(store.SQL["referring"], values)]

    def _names(self, include: Include) -> list[str]:
        if include.parameter != "*":
            return [include.parameter]
        return [name for name, one in self.definitions.of(include.source).items() if one.type == "reference"]
