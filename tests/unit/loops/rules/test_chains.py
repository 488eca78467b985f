"""The chains of many stays, found by day, are those that looking at every stay finds (TR-51, TR-52, TR-58)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from careloop.catalog import load_catalog
from careloop.loops.facts.model import ClassInterval, Discharge, PatientFacts, Stay
from careloop.loops.pathways import read_pathways
from careloop.loops.rules.stays import NearbyStays, chain_around, chain_of

DISPOSITIONS = read_pathways(load_catalog()).dispositions
SUNDAY = datetime(2026, 3, 8, tzinfo=UTC)
"""The clocks of New York go forward on this day."""

hours = st.integers(min_value=0, max_value=24 * 6).map(lambda count: SUNDAY + timedelta(hours=count))
ends = st.builds(
    lambda at, disposition, stands: Discharge(
        key=at.isoformat(), at=at, disposition=disposition, cancelled=None if stands else at
    ),
    hours,
    st.sampled_from([None, "01", "02", "06"]),
    st.booleans(),
)
classes = st.builds(
    lambda code, start: ClassInterval(code=code, start=start, end=None),
    st.sampled_from(["EMER", "EMER", "IMP", "OBSENC", "AMB"]),
    st.none() | hours,
)
stays = st.builds(
    lambda status, parts, start, discharges, site, admit_source, principal: Stay(
        id="", reference="", status=status, classes=tuple(parts), start=start, discharges=tuple(discharges), site=site,
        admit_source=admit_source, principal=frozenset(principal),
    ),
    st.sampled_from(["finished", "finished", "finished", "cancelled"]),
    st.lists(classes, max_size=2),
    st.none() | hours,
    st.lists(ends, max_size=2),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from([None, None, "4"]),
    st.sets(st.sampled_from(["x", "y"]), max_size=1),
)  # fmt: skip


def known(some: list[Stay], zone: str) -> PatientFacts:
    named = [
        Stay(**{**vars(stay), "id": f"s{place}", "reference": f"Encounter/s{place}/_history/1"})
        for place, stay in enumerate(some)
    ]
    return PatientFacts(tenant_id=1, patient_id="p", zone=zone, stays=tuple(named))


@settings(max_examples=150, deadline=None)
@given(st.lists(stays, max_size=12), st.sampled_from(["America/New_York", "Asia/Kolkata", "UTC"]))
def test_chains_found_by_day_are_those_found_among_all_stays(some: list[Stay], zone: str) -> None:
    facts = known(some, zone)
    near = NearbyStays(facts)
    for stay in facts.standing_stays:
        assert chain_around(stay, facts, DISPOSITIONS, near) == chain_around(stay, facts, DISPOSITIONS)
        assert chain_of(stay, facts, DISPOSITIONS, near) == chain_of(stay, facts, DISPOSITIONS)


def test_a_visit_of_many_days_before_short_ones_still_leads_to_the_admission() -> None:
    assert led_here(visit("long", 0, 60), visit("short", 40, 41)) == ["long", "short"]


def test_a_visit_that_goes_on_leads_to_the_admission_though_a_later_one_ended_first() -> None:
    assert led_here(visit("long", 0, 80), visit("later", 65, 66)) == ["long"]


def led_here(*visits: Stay) -> list[str]:
    """The visits that led to an admission at hour 61."""
    began = SUNDAY + timedelta(hours=61)
    inside = Stay(
        id="in", reference="Encounter/in/_history/1", status="finished", start=began,
        classes=(ClassInterval(code="IMP", start=began, end=None),),
    )  # fmt: skip
    facts = PatientFacts(tenant_id=1, patient_id="p", zone="UTC", stays=(*visits, inside))
    return [stay.id for stay in chain_around(inside, facts, DISPOSITIONS, NearbyStays(facts)).before]


def visit(name: str, start: int, end: int) -> Stay:
    left = SUNDAY + timedelta(hours=end)
    return Stay(
        id=name, reference=f"Encounter/{name}/_history/1", status="finished", start=SUNDAY + timedelta(hours=start),
        classes=(ClassInterval(code="EMER", start=None, end=None),),
        discharges=(Discharge(key=left.isoformat(), at=left),),
    )  # fmt: skip
