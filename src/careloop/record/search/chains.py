"""Chains and `_has`: first the resources at the other end are found, then what refers to or from them.

What the principal may not search never matches (security.md §3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.access.model import Principal
from careloop.access.policy import may
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.clauses import ChainClause, Clause, HasClause, IdClause, KeyClause
from careloop.fhir.jsons import decode
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.record.search.conditions import condition
from careloop.record.search.sql import chain

MAX_LINKS = 10_000
"""Resources at the other end of a chain; a chain over more is refused as too costly."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Answers the inner parts of chained searches within one transaction."""

    tx: Transaction
    principal: Principal
    definitions: SearchDefinitions

    def resolve(self, clauses: Sequence[Clause]) -> list[Clause]:
        """The clauses with every chain and `_has` turned into references or ids."""
        return [self._one(clause) for clause in clauses]

    def _one(self, clause: Clause) -> Clause:
        match clause:
            case ChainClause():
                found = [text for kind, inner in clause.branches for text in self._references(kind, inner)]
                return KeyClause(parameter=clause.parameter, name=clause.parameter.name, any_of=tuple(found))
            case HasClause():
                return IdClause(any_of=self._referred(clause))
        return clause

    def _references(self, resource_type: str, clause: Clause) -> list[str]:
        return [f"{resource_type}/{row['id']}" for row in self._matching("resource.id", resource_type, clause)]

    def _referred(self, clause: HasClause) -> tuple[str, ...]:
        """Ids to which matching resources refer by the parameter. Their type is checked by the search around it."""
        rows = self._matching("resource.body", clause.resource_type, clause.clause)
        found = {
            reference.partition("/")[2]
            for row in rows
            for reference in self.definitions.targets(decode(row["body"]), clause.parameter.name)
        }
        return tuple(sorted(found))

    def _matching(self, column: str, resource_type: str, clause: Clause) -> list[dict[str, str]]:
        if not may(self.principal, "search", resource_type):
            return []
        where = condition(self.tx.tenant_id, resource_type, self.resolve([clause]))
        query = chain("select", column, "from resource where", where, "limit", str(MAX_LINKS + 1))
        rows = self.tx.rows(query.text, query.values)
        if len(rows) > MAX_LINKS:
            raise Rejected(at="search", expected=f"a chain over at most {MAX_LINKS} resources", code="too-costly")
        return rows
