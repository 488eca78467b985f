"""One simulation while it goes on: who is there, what happened so far, and how to go on after an interruption."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from careloop.access.model import Principal, Role
from careloop.bench.installation import Place
from careloop.bench.made_up_care import Care
from careloop.bench.made_up_proof import Maker
from careloop.loops.rules.pathways import Pathway
from careloop.loops.rules.referrals.content import Tables

Resource = dict[str, Any]


@dataclass(kw_only=True)
class Run:
    """Everything that a simulated day needs. `held` are things that will be told later, by the turn in which they are;
    `in_work` loops on which somebody keeps working until they are closed; `deck` pathways of which one is opened
    next."""

    place: Place
    random: Random
    patients: Sequence[str]
    pathways: Mapping[str, Pathway]
    tables: Tables
    categories: Sequence[str]
    staff: dict[str, tuple[str, str]] = field(default_factory=dict)
    hired: int = 0
    number: int = 0
    spell: int = 0
    turn: int = 0
    days_done: int = 0
    done: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    written: list[Resource] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    in_work: list[str] = field(default_factory=list)
    deck: list[Pathway] = field(default_factory=list)
    held: list[tuple[int, Resource]] = field(default_factory=list)
    messages: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def tenant_id(self) -> int:
        """The only tenant."""
        return self.place.tenant.id

    @property
    def people(self) -> list[str]:
        """References of everybody who works here."""
        return sorted(reference for reference, _ in self.staff.values())

    @property
    def by_role(self) -> dict[str, list[str]]:
        """References of everybody who works here, by role."""
        found: dict[str, list[str]] = {}
        for reference, role in sorted(self.staff.values()):
            found.setdefault(role, []).append(reference)
        return found

    @property
    def care(self) -> Care:
        """What makes things that happen."""
        return Care(self.random, self.people, self.new_id)

    @property
    def maker(self) -> Maker:
        """What makes things that satisfy a condition."""
        return Maker(self.random, self.by_role, self.new_id, self.tables)

    def new_id(self, word: str) -> str:
        """An id that nothing else of this run has, also where it went on after an interruption."""
        self.number += 1
        return f"sim{self.spell or ''}-{word}-{self.number}"

    def somebody(self, *roles: Role) -> Principal:
        """One of the staff, with these roles."""
        return self.person(self.random.choice(self.people), *roles)

    def person(self, reference: str, *roles: Role) -> Principal:
        """This member of the staff, with these roles."""
        return replace(
            self.place.principal,
            id=reference,
            practitioner_id=reference.partition("/")[2],
            roles=frozenset(roles or {Role.COORDINATOR}),
        )


_KEPT = ("staff", "hired", "number", "days_done", "turn", "findings", "merges", "in_work", "spell")


def save(live: Run, file: Path) -> None:
    """The state after a day is in the file. What was to be told later is lost by an interruption, as it may be."""
    state = {name: getattr(live, name) for name in _KEPT}
    state |= {"random": live.random.getstate(), "done": dict(live.done)}
    file.write_text(json.dumps(state), encoding="utf-8")


def load(live: Run, file: Path) -> None:
    """The run is as it was after the last whole day; its ids are new ones, since part of a day may be written."""
    state = json.loads(file.read_text(encoding="utf-8"))
    for name in _KEPT:
        setattr(live, name, state[name])
    live.staff = {name: (one[0], one[1]) for name, one in state["staff"].items()}
    version, inner, gauss = state["random"]
    live.random.setstate((version, tuple(inner), gauss))
    live.done = Counter(state["done"])
    live.spell += 1
