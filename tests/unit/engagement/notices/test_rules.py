"""Laws of notices: to whom, and when somebody is written to."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.engagement.notices import rules
from careloop.engagement.notices.content import rules_of
from careloop.engagement.notices.model import Concerned, Event, Notice, Outcome, Person

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 6, 8, 9, tzinfo=ZONE)
PEOPLE = [f"Practitioner/{name}" for name in ("a", "b", "c", "d")]
person = st.sampled_from(["", "CareTeam/queue", *PEOPLE])


@pytest.fixture(scope="module")
def known():
    return rules_of(load_catalog())


@given(
    kind=st.sampled_from(
        ["safety", "escalated", "offered", "given", "opened", "your-turn", "reopened", "late", "stay"]
    ),
    names=st.tuples(person, person, person, person),
    on_call=st.lists(st.sampled_from(PEOPLE), max_size=2),
    cover=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), max_size=3),
    may_see=st.frozensets(st.sampled_from(PEOPLE)),
    pathway=st.sampled_from(["test-result", "safety-concern", "referral"]),
)
def test_nobody_is_told_who_may_not_see_the_patient_nor_of_their_own_act(
    known, kind, names, on_call, cover, may_see, pathway
):
    whom, owner, by, lead = names
    event = Event(
        id=1, at=NOW, kind=kind, patient_id="p", thing="x", state="s", says="s", whom=whom, owner=owner, by=by,
        pathway=pathway,
    )  # fmt: skip
    concerned = Concerned(
        lead=lead, on_call=tuple(on_call), queue="CareTeam/queue", queue_lead=PEOPLE[0], cover=cover, may_see=may_see
    )
    told = rules.told(known.kinds[kind], event, concerned)
    assert set(told) <= may_see
    assert len(set(told)) == len(told)
    assert by not in told or known.kinds[kind].safety


def _notice(way: str, safety: bool = False) -> Notice:
    return Notice(
        id="1", person=PEOPLE[0], card="c", kind="k", patient_id="p", loop_id=None, step_id="", safety=safety,
        way=way, first=NOW, last=NOW, seen=None, opened=None,
    )  # fmt: skip


PAUSE = timedelta(minutes=15)


def test_one_mail_in_a_quarter_of_an_hour_none_in_quiet_hours_safety_excepted():
    who = Person(person=PEOPLE[0], address="a@example.org", last_mail=NOW - timedelta(minutes=14))
    assert not rules.mail_now(who, [_notice("now")], PAUSE, NOW, ZONE)
    assert rules.mail_now(who, [_notice("now")], PAUSE, NOW + timedelta(minutes=1), ZONE)
    assert rules.mail_now(who, [_notice("now", safety=True)], PAUSE, NOW, ZONE)
    night = NOW.replace(hour=23)
    assert not rules.mail_now(who, [_notice("now")], PAUSE, night, ZONE)
    assert rules.mail_now(who, [_notice("now", safety=True)], PAUSE, night, ZONE)
    assert not rules.mail_now(who, [_notice("product"), _notice("digest")], PAUSE, NOW + PAUSE, ZONE)
    assert not rules.mail_now(Person(person=PEOPLE[0]), [_notice("now", safety=True)], PAUSE, NOW, ZONE)


def test_the_mail_of_the_day_leaves_once_from_its_hour_on():
    who = Person(person=PEOPLE[0], address="a@example.org", digest_at=time(9, 30))
    assert not rules.digest_now(who, [_notice("digest")], NOW, ZONE)
    later = NOW.replace(hour=10)
    assert rules.digest_now(who, [_notice("digest")], later, ZONE)
    assert not rules.digest_now(who, [_notice("product")], later, ZONE)
    done = Person(person=PEOPLE[0], address="a@example.org", digest_at=time(9, 30), last_digest=later.date())
    assert not rules.digest_now(done, [_notice("digest")], later, ZONE)
    assert rules.digest_now(done, [_notice("digest")], later + timedelta(days=1), ZONE)


@pytest.mark.parametrize(
    ("due", "ended", "proof", "by", "said"),
    [
        (1, 0, True, PEOPLE[0], rules.IN_TIME),
        (1, 0, True, PEOPLE[1], rules.OTHER),
        (-2, -1, True, PEOPLE[0], rules.LATE),
        (1, 0, False, PEOPLE[0], rules.WITHOUT),
        (1, None, False, PEOPLE[0], rules.OPEN),
        (-1, None, False, PEOPLE[0], rules.OPEN_LATE),
    ],
)
def test_what_became_of_a_matter_is_told_as_it_is(due, ended, proof, by, said):
    one = Outcome(
        kind="k", notice_id="1", patient_id="p", loop_id="l", number=7, status="", due=NOW + timedelta(days=due),
        ended=None if ended is None else NOW + timedelta(days=ended), proof=proof, by=by, last=NOW.astimezone(UTC),
    )  # fmt: skip
    assert rules.became(one, PEOPLE[0], NOW) == said
