"""A pathway as rules see it: what opens a loop, its steps and clocks, what proves and what ends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from careloop.loops.model import Tier
from careloop.loops.rules.calendar import Span

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class OpensWhen:
    """Which fact opens a loop. `event` is `stay-ended`, `stay-planned`, `discharge-pending`, or `fact`: any fact that
    satisfies `when`. The loop is then about the fact itself, or about the first thing of type `about` that it names.
    A fact of a type in `fresh` opens nothing when it is older than that on the day it becomes known: it is history."""

    event: str
    classes: frozenset[str] = frozenset()
    follow_up: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    disposition_unknown: bool = False
    unless_admitted_within: Span | None = None
    when: Document = field(default_factory=dict)
    about: tuple[str, ...] = ()
    fresh: Mapping[str, Span] = field(default_factory=dict)
    says: str = ""
    rule: str = ""


@dataclass(frozen=True, kw_only=True)
class Due:
    """How a deadline is found. Exactly one of `within`, `by_key`, `by_tier`, `date_of`, `date`, `end_of_month`,
    `results`, `planned_start` is set. `within` and `by_key` run from the end of the step `since`, else the opening.
    `by_key` is the name of a key and the span for each of its values, `otherwise` for a value that is not known;
    `date` is a date that the matter names (`due`), with `otherwise` where it names none."""

    rule: str
    within: Span | None = None
    by_key: tuple[str, Mapping[str, Span]] | None = None
    as_said: bool = False
    """The word of `by_key` is the span itself (`3-business-days`); `otherwise` while nothing says it."""
    target_by: str | None = None
    """The key whose word is the span of the target."""
    otherwise: Span | None = None
    since: str | None = None
    date: str | None = None
    end_of_month: bool = False
    by_tier: Mapping[Tier, Span] | None = None
    date_of: str | None = None
    planned_start: bool = False
    results: Span | None = None
    results_expected: Span | None = None
    target: Span | None = None
    tcm_days: bool = False


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Tries that reached nobody: `enough` of them inside the deadline satisfy the outside rule, not the step."""

    when: Document
    enough: int
    rule: str
    says: str
    then: Span | None = None
    """After them the step has so long from the last needed one, instead of waiting: who was told must still act."""


@dataclass(frozen=True, kw_only=True)
class EscalationRule:
    """Who else looks, and when: `span` after the `after` moment, which is `opening` or `due`; or when `share` percent
    of the time from the beginning of the step's clock to its deadline have passed."""

    key: str
    after: str
    span: Span | None
    to_role: str
    share: int | None = None
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Words of the matter without which nobody else is called."""


@dataclass(frozen=True, kw_only=True)
class OnlyWhen:
    """When a step is needed at all: for a tier, for values of a key, or where something that belongs satisfies a
    condition. What is not known yet leaves the step open."""

    tier: Tier | None = None
    key: Mapping[str, frozenset[str]] = field(default_factory=dict)
    fact: Document | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to be done. `done_when` is a condition over facts; `special` names proof that is more than one fact."""

    id: str
    title: str
    owner_role: str
    due: Due
    done_when: Document
    special: str | None = None
    only: OnlyWhen = OnlyWhen()
    attempts: Attempts | None = None
    escalate: tuple[EscalationRule, ...] = ()
    counts: str = "after-opening"
    follows: str | None = None
    """With `counts` `after-step`: proof is not older than the end of this step."""
    question: str = ""
    """What a person who proves it by hand answers in a sentence."""
    points: tuple[str, ...] = ()
    """What they go through one by one."""


@dataclass(frozen=True, kw_only=True)
class EndsWhen:
    """What ends a loop before its proof is complete: `event`, and the code of `urn:careloop:reason` it gives."""

    event: str
    reason: str
    classes: frozenset[str] = frozenset()
    within: Span | None = None
    when: Document = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pathway:
    """What opens a loop, what proves it done, and on which clocks."""

    id: str
    version: str
    status: str
    title: str
    reviewed: bool
    opens_when: OpensWhen
    window: Span
    window_rule: str
    window_reason: str
    steps: tuple[Step, ...]
    ends_when: tuple[EndsWhen, ...]
    board: tuple[tuple[str, frozenset[str]], ...] = ()
    watch: str | None = None
    tiered: bool = False
    line: str = ""
    """What a list says of the opening fact, with `{day}` for its day and `{what}` for its words."""
    ends_with_window: bool = True
    """False: the loop stays open, late, when its time is over (RF-04: closed by people, never by the calendar)."""
    patient_says: str = ""
    """The sentence for the patient: what will happen, who does it, by when."""
    billing: tuple[str, ...] = ()

    def step(self, step_id: str) -> Step | None:
        """The step with this id."""
        return self._by_id.get(step_id)

    @cached_property
    def _by_id(self) -> Mapping[str, Step]:
        return {step.id: step for step in self.steps}


@dataclass(frozen=True, kw_only=True)
class Disposition:
    """What an NUBC patient discharge status means for the work that follows (transitions.md §1)."""

    code: str
    meaning: str
    group: str
    follow_up: str
    chains: bool
    index: str


@dataclass(frozen=True, kw_only=True)
class Pathways:
    """All that rules need from content. `versions` keeps retired versions for the loops that opened under them."""

    active: Mapping[str, Pathway]
    versions: Mapping[tuple[str, str], Pathway]
    dispositions: Mapping[str, Disposition]
    risk: Mapping[str, Document] = field(default_factory=dict)
    transitions: Mapping[str, Document] = field(default_factory=dict)

    def pinned(self, pathway_id: str, version: str | None) -> Pathway | None:
        """The version a loop was opened under, or the active one for a new loop or a version that is gone."""
        if version is not None and (pathway_id, version) in self.versions:
            return self.versions[pathway_id, version]
        return self.active.get(pathway_id)
