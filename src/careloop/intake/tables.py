"""The official HL7 v2-to-FHIR code maps: what a v2 code is in FHIR, for the element it goes to.

The maps are content (`content/mappings/hl7v2-tables`, one file per HL7 table). A code that the guide leaves undecided,
or for which it names several results, is never guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from careloop.errors import NotFound

TABLE_SYSTEM = "http://terminology.hl7.org/CodeSystem/v2-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A FHIR code with its system, and the words of the guide where it gives some."""

    system: str
    code: str
    display: str | None = None


@dataclass(frozen=True, kw_only=True)
class CodeMap:
    """One map of one table, for one FHIR element: v2 code → FHIR code."""

    name: str
    table: str
    targets: Mapping[str, Target]
    undecided: frozenset[str]

    def target(self, code: str) -> Target | None:
        """The FHIR code of a v2 code. None where the guide has none, has several, or does not know the code."""
        return self.targets.get(code)


@dataclass(frozen=True)
class CodeMaps:
    """All maps by their name in the guide: `AddressType[Use]`, `Relationship`, `PatientClass[EncounterClass]`."""

    by_name: Mapping[str, CodeMap]

    @classmethod
    def of(cls, documents: Mapping[str, Mapping[str, Any]]) -> "CodeMaps":
        """The maps in content documents, as `catalog.mapping("hl7v2-tables")` gives them."""
        return cls(
            {
                name: _code_map(name, document["id"].removeprefix("hl7"), facts)
                for document in documents.values()
                for name, facts in document["maps"].items()
            }
        )

    def named(self, name: str) -> CodeMap:
        """The map with this name; `NotFound` when the content has none."""
        try:
            return self.by_name[name]
        except KeyError:
            raise NotFound(f"code map {name}") from None

    def of_table(self, table: str) -> tuple[CodeMap, ...]:
        """The maps of an HL7 table, by its four digits."""
        return tuple(one for one in self.by_name.values() if one.table == table)


def table_system(table: str) -> str:
    """The code system under which FHIR knows the codes of an HL7 table: `0190`."""
    return TABLE_SYSTEM + table


def _code_map(name: str, table: str, facts: Mapping[str, Any]) -> CodeMap:
    pairs = {**{code: code for code in facts.get("same", ())}, **facts.get("codes", {})}
    systems, display = facts.get("systems", {}), facts.get("display", {})
    targets = {
        str(code): Target(system=systems.get(code, facts.get("system", "")), code=str(to), display=display.get(to))
        for code, to in pairs.items()
    }
    undecided = frozenset(str(code) for code in (*facts.get("several", ()), *facts.get("undecided", ())))
    return CodeMap(name=name, table=table, targets=targets, undecided=undecided)
