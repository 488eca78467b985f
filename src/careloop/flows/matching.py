"""Who may this be? `$match`, the tenant's own lines, joins without a person where a tenant wants them, the batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from careloop import identity
from careloop.access.model import Principal, Tenant, system_principal
from careloop.access.tenancy import settings_of
from careloop.db import Transaction
from careloop.flows import engine, merging
from careloop.flows.app import App
from careloop.flows.match_tasks import announce
from careloop.identity import matches, merges, store
from careloop.identity.batch import splinking
from careloop.identity.likeness import likeness_of, with_lines
from careloop.identity.matches import Settled
from careloop.identity.model import Candidate, Ceiling, Grade, MatchState, Reason, Scored, pair
from careloop.identity.rules import Likeness
from careloop.record import Stored

Resource = Mapping[str, Any]

MOST_ANSWERS = 100
_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True)
class Matched:
    """A patient who may be the one that was asked about."""

    patient: Stored
    scored: Scored


def likeness_for(app: App, tx: Transaction) -> Likeness:
    """The comparison by this installation's weights and this tenant's lines."""
    likeness = likeness_of(app.catalog)
    review = settings_of(engine.tenant_of(tx)).match_review_points
    return likeness if review is None else with_lines(likeness, review)


def match(
    app: App, tx: Transaction, principal: Principal, person: Resource, *, count: int, only_certain: bool
) -> list[Matched]:
    """Patients who may be this person, best first; each is a read that is audited."""
    found = identity.match(
        tx,
        identity.demographics_of(person),
        identity.identifiers_of(person),
        limit=MOST_ANSWERS,
        likeness=likeness_for(app, tx),
    )
    wanted = [one for one in found if one.grade is Grade.CERTAIN or not only_certain][:count]
    return [
        Matched(patient=app.record.read(tx, principal, "Patient", one.patient_id), scored=one)
        for one in wanted
    ]  # fmt: skip


def join_certain(app: App, tx: Transaction, candidates: Sequence[Candidate]) -> int:
    """Where the tenant wants it, pairs without any doubt are one person now; answers how many. Needs the tenant's
    points, no rule against it, nobody's earlier decision, and that neither of the two is like a third. Each can be
    taken back like any merge."""
    settings = settings_of(engine.tenant_of(tx))
    if settings.match_join != "certain":
        return 0
    like = [one for one in candidates if one.reason is Reason.DEMOGRAPHICS]
    people = [patient_id for one in like for patient_id in (one.left, one.right)]
    sure = [
        one
        for one in like
        if one.grade is Grade.CERTAIN and one.points >= settings.match_join_points
        if people.count(one.left) == people.count(one.right) == 1
    ]
    return sum(_join(app, tx, one) for one in sure)


def _join(app: App, tx: Transaction, one: Candidate) -> bool:
    row = matches.find_match(tx, store.match_id(tx.tenant_id, one))
    if row.state is not MatchState.OPEN:
        return False
    machine = system_principal(tx.tenant_id, "identity")
    survivor = older_of(tx, one.left, one.right)
    prior = one.right if survivor == one.left else one.left
    why = f"joined by the machine: {one.points} points, no rule against it"
    done = merging.merge(app, tx, machine, survivor, prior, why)
    if done is None:
        return False
    now = app.clock.now()
    settled = Settled(state=MatchState.SAME, at=now, by=machine.reference, why=why, merge_id=done.id)
    matches.settle(tx, row.id, settled)
    announce(app, tx)
    return True


def older_of(tx: Transaction, left: str, right: str) -> str:
    """The patient with more behind it survives: more types of resources, else the first of the pair."""
    one, two = (len(merges.types_about(tx, patient_id)) for patient_id in (left, right))
    return right if two > one else left


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """What a search of the whole record found. `asked` are pairs that are new in the review queue."""

    people: int
    found: int
    likely: int
    asked: int


def batch(app: App, tenant: Tenant) -> BatchReport:
    """Likely duplicates of the whole record stand in the review queue. Splink finds pairs, the rules of arrival decide
    which of them a person is asked about; nothing is joined. `Unavailable` without the extra `matching`."""
    with app.database.transaction(tenant.id, actor="identity") as tx:
        likeness = likeness_for(app, tx)
        people = dict(store.everybody(tx))
    pairs = splinking.likely_pairs(people.items(), likeness, float(likeness.weights.lines.possible))
    likely = list(_likely(people, pairs, likeness))
    asked = sum(
        app.database.run(tenant.id, partial(_ask, app, candidates=likely[start : start + _AT_ONCE]), actor="identity")
        for start in range(0, len(likely), _AT_ONCE)
    )
    return BatchReport(people=len(people), found=len(pairs), likely=len(likely), asked=asked)


def _likely(
    people: Mapping[str, identity.Demographics], pairs: Sequence[tuple[str, str]], likeness: Likeness
) -> list[Candidate]:
    compared = [(left, right, likeness.compare(people[left], people[right])) for left, right in pairs]
    return [
        pair(left, right, Reason.DEMOGRAPHICS, by)
        for left, right, by in compared
        if by.points >= likeness.review and by.ceiling is not Ceiling.APART
    ]


def _ask(app: App, tx: Transaction, candidates: Sequence[Candidate]) -> int:
    known = store.looks_of_patients(tx, {one for pair_ in candidates for one in (pair_.left, pair_.right)})
    standing = [one for one in candidates if one.left in known and one.right in known]
    asked = len(identity.ask(tx, app.clock.now(), standing))
    while announce(app, tx) == matches.AT_ONCE:
        continue
    return asked
