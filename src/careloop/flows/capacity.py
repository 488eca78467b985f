"""Caseload in forecast minutes, not heads: of a step, a patient, an owner; who slips when more are enrolled."""

from collections.abc import Mapping
from dataclasses import dataclass

from careloop.catalog import Catalog


@dataclass(frozen=True, kw_only=True)
class Minutes:
    """Minutes of work by kind of step (content/capacity/minutes.yaml)."""

    steps: Mapping[str, int]
    other: int
    interpreter_percent: int
    working_day: int
    planned_percent: int

    def of(self, step_id: str, *, interpreter: bool = False) -> int:
        """Minutes of one step."""
        minutes = self.steps.get(step_id, self.other)
        return minutes + minutes * self.interpreter_percent // 100 if interpreter else minutes


def minutes_table(catalog: Catalog) -> Minutes:
    """The table of this catalog."""
    document = catalog.document("capacity", "minutes")
    return Minutes(
        steps=document["steps"],
        other=document["other"],
        interpreter_percent=document["interpreter_percent"],
        working_day=document["working_day"],
        planned_percent=document["planned_percent"],
    )


def minutes_of(catalog: Catalog, step_id: str, *, interpreter: bool = False) -> int:
    """Forecast minutes of work of a step; a talk with an interpreter takes longer."""
    return minutes_table(catalog).of(step_id, interpreter=interpreter)
