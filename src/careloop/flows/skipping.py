"""Which steps do people skip, and were they right? (features row 58; engine.md §2)

A skip is a step that a person closed without proof, with a reason. It is held against what came afterwards: taken back,
done after all, and whether the patient was admitted to hospital within 30 days; beside the same figure for patients of
whom the step was done. Neither figure is a proof: people skip for reasons, and few cases say little.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.flows import engine, people
from careloop.flows.app import App
from careloop.loops import effects
from careloop.loops.effects import Adaptation, DoneStep, Skip
from careloop.loops.facts.model import Stay
from careloop.loops.rules.opening import INPATIENT

LOOK_BACK = timedelta(days=90)
AFTER = timedelta(days=30)
SHOWN = 50
_SET = 250
_TOO_FEW = 10
"""Under so many cases a share is not shown: it would say more than is known."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of some cases: `known` are those whose 30 days are over, or that were admitted before."""

    cases: int
    known: int
    admitted: int

    @property
    def share(self) -> int | None:
        """Percent of the known cases that were admitted; None where there are too few to say."""
        return None if self.known < _TOO_FEW else round(100 * self.admitted / self.known)


@dataclass(frozen=True, kw_only=True)
class SkippedStep:
    """One step of one pathway: how often it was skipped, why, and what came of it."""

    pathway: str
    step_id: str
    title: str
    loop_title: str
    reasons: Sequence[tuple[str, int]]
    skipped: Outcome
    done: Outcome
    reopened: int
    done_after_all: int

    @property
    def verdict(self) -> str:
        """In one sentence, as far as the figures go."""
        one, other = self.skipped.share, self.done.share
        if one is None or other is None:
            return "Too few cases to say."
        if one > other:
            return f"More came back to hospital when it was skipped: {one} % beside {other} %."
        return f"Not more came back to hospital when it was skipped: {one} % beside {other} %."


@dataclass(frozen=True, kw_only=True)
class SkipLine:
    """One skipped step in the list of the newest."""

    loop_id: str
    number: int
    title: str
    at: datetime
    who: str
    reason: str
    note: str
    after: str


@dataclass(frozen=True, kw_only=True)
class AdaptedStep:
    """One step whose clock people changed for single patients, or one that they added, and how these came out."""

    added: bool
    title: str
    loop_title: str
    times: int
    reasons: Sequence[tuple[str, int]]
    done: int
    in_time: int


@dataclass(frozen=True, kw_only=True)
class SkipReport:
    """The steps by how often they are skipped, the newest skips, and what else was adapted to one patient."""

    days: int
    total: int
    steps: Sequence[SkippedStep]
    newest: Sequence[SkipLine]
    adapted: Sequence[AdaptedStep]


def report(app: App, tx: Transaction, principal: Principal) -> SkipReport:
    """The figures of the last 90 days, in a fixed number of queries for any number of patients up to some thousands."""
    require_action(principal, Action.RULES_MANAGE)
    app, now = engine.at_practice(app, tx), app.clock.now()
    skips = effects.skips(tx, now - LOOK_BACK)
    places = sorted({f"{skip.pathway} {skip.step_id}" for skip in skips})
    done = effects.done_steps(tx, places, now - LOOK_BACK) if places else []
    patients = {skip.patient_id for skip in skips} | {step.patient_id for step in done}
    admissions = _Admissions(app, tx, sorted(patients))
    by_place = _grouped(skips, done)
    steps = [_step(app, place, mine, others, admissions, now) for place, (mine, others) in by_place.items()]
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Task",
            resource_ids=[skip.loop_id for skip in skips[:SHOWN]],
            patient_ids=sorted({skip.patient_id for skip in skips[:SHOWN]}),
            query="steps that people skipped",
        ),
    )
    return SkipReport(
        days=LOOK_BACK.days,
        total=len(skips),
        steps=sorted(steps, key=lambda step: (-step.skipped.cases, step.pathway, step.step_id)),
        newest=list(_lines(app, people.Names(tx), skips[:SHOWN], admissions, now)),
        adapted=_adapted(app, effects.adaptations(tx, now - LOOK_BACK)),
    )


def _adapted(app: App, found: Sequence[Adaptation]) -> list[AdaptedStep]:
    """The same step added for several patients is known by its words."""
    grouped: dict[tuple[str, str, str], list[Adaptation]] = {}
    for one in found:
        words = one.title or engine.title(app.catalog, one.pathway, one.step_id)
        grouped.setdefault((one.kind, one.pathway, words), []).append(one)
    steps = [
        AdaptedStep(
            added=kind == "extra",
            title=words,
            loop_title=engine.title(app.catalog, pathway, ""),
            times=len(mine),
            reasons=Counter(one.reason or "other" for one in mine).most_common(),
            done=sum(bool(one.done) for one in mine),
            in_time=sum(bool(one.in_time) for one in mine),
        )
        for (kind, pathway, words), mine in grouped.items()
    ]
    return sorted(steps, key=lambda step: (-step.times, step.loop_title, step.title))


def _grouped(
    skips: Sequence[Skip], done: Sequence[DoneStep]
) -> dict[tuple[str, str], tuple[list[Skip], list[DoneStep]]]:
    found: dict[tuple[str, str], tuple[list[Skip], list[DoneStep]]] = {}
    for skip in skips:
        found.setdefault((skip.pathway, skip.step_id), ([], []))[0].append(skip)
    for step in done:
        if (step.pathway, step.step_id) in found:
            found[step.pathway, step.step_id][1].append(step)
    return found


def _step(
    app: App,
    place: tuple[str, str],
    skips: Sequence[Skip],
    done: Sequence[DoneStep],
    admissions: "_Admissions",
    now: datetime,
) -> SkippedStep:
    pathway, step_id = place
    return SkippedStep(
        pathway=pathway,
        step_id=step_id,
        title=engine.title(app.catalog, pathway, step_id),
        loop_title=engine.title(app.catalog, pathway, ""),
        reasons=Counter(skip.reason or "other" for skip in skips).most_common(),
        skipped=_outcome([(one.patient_id, one.focus, one.at) for one in skips], admissions, now),
        done=_outcome([(one.patient_id, one.focus, one.ended) for one in done], admissions, now),
        reopened=sum(skip.reopened for skip in skips),
        done_after_all=sum(skip.step_status == "completed" for skip in skips),
    )


def _outcome(cases: Sequence[tuple[str, str, datetime]], admissions: "_Admissions", now: datetime) -> Outcome:
    admitted = [admissions.within(*case) for case in cases]
    known = sum(came or at + AFTER <= now for came, (_, _, at) in zip(admitted, cases, strict=True))
    return Outcome(cases=len(cases), known=known, admitted=sum(admitted))


class _Admissions:
    """When some patients were admitted to hospital, read in sets."""

    def __init__(self, app: App, tx: Transaction, patients: Sequence[str]) -> None:
        self._starts: dict[str, list[tuple[str, datetime]]] = {}
        tenant = engine.tenant_of(tx)
        for first in range(0, len(patients), _SET):
            found = app.record.of_patients(tx, patients[first : first + _SET], ["Encounter"])
            for patient, resources in found.items():
                stays = engine.facts_of(tenant, patient, resources, {}).standing_stays
                self._starts[patient] = list(_started(stays))

    def within(self, patient_id: str, focus: str, at: datetime) -> bool:
        """True when another stay than the one it was about began in the 30 days after."""
        return any(stay != focus and at < start <= at + AFTER for stay, start in self._starts.get(patient_id, ()))


def _started(stays: Sequence[Stay]) -> Iterator[tuple[str, datetime]]:
    for stay in stays:
        start = stay.started_as(INPATIENT)
        if start is not None:
            yield stay.thing, start


def _lines(
    app: App, names: people.Names, skips: Sequence[Skip], admissions: _Admissions, now: datetime
) -> Iterator[SkipLine]:
    words: Mapping[str, str] = app.catalog.document("vocabulary", "careloop")["reasons"]["codes"]
    for skip in skips:
        yield SkipLine(
            loop_id=skip.loop_id,
            number=skip.number,
            title=engine.title(app.catalog, skip.pathway, skip.step_id),
            at=skip.at,
            who=names.name(skip.by),
            reason=words.get(skip.reason or "", skip.reason or ""),
            note=skip.note or "",
            after=_after(skip, admissions, now),
        )


def _after(skip: Skip, admissions: _Admissions, now: datetime) -> str:
    if skip.reopened:
        return "Taken back"
    if skip.step_status == "completed":
        return "Done after all"
    if admissions.within(skip.patient_id, skip.focus, skip.at):
        return "In hospital again within 30 days"
    return "Not in hospital in 30 days" if skip.at + AFTER <= now else "30 days are not over"
