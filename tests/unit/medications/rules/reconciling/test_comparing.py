"""Lists side by side: worked cases 1 to 3 of medications.md, and what must hold for any lists."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.medications.rules.reconciling.making import dosing, entry, listed

from careloop.medications.rules.reconciling.comparing import compare, pair_id
from careloop.medications.rules.reconciling.values import (
    Comparison,
    Difference,
    Dosing,
    Entry,
    Group,
    Judged,
    MedicineList,
    Period,
    Row,
    Side,
    Source,
    State,
    Tier,
    Warned,
)

HOSPITAL, CLINIC, PATIENT, PHARMACY = Source.HOSPITAL, Source.CLINIC, Source.PATIENT, Source.PHARMACY


def one_row(*lists: MedicineList) -> Row:
    (row,) = compare(lists).rows
    return row


def test_another_release_with_the_old_bottle_at_home_is_formulation_and_duplicate() -> None:
    row = one_row(
        listed(HOSPITAL, entry(HOSPITAL, "metoprolol", "50 mg x1", release="extended")),
        listed(PATIENT, entry(PATIENT, "metoprolol", "25 mg x2", release="immediate")),
    )
    assert row.group is Group.DIFFERENT
    assert row.kinds == {Difference.FORMULATION, Difference.DUPLICATE, Difference.FREQUENCY}


def test_left_out_of_the_discharge_list_without_a_reason_is_an_omission() -> None:
    row = one_row(listed(HOSPITAL), listed(PATIENT, entry(PATIENT, "lisinopril", "10 mg x1")))
    assert (row.group, row.kinds) == (Group.ONLY_RIGHT, {Difference.OMISSION})


def test_the_same_day_total_in_another_split_is_frequency_only() -> None:
    at_home = listed(PATIENT, entry(PATIENT, "furosemide", "40 mg x1"))
    assert one_row(listed(HOSPITAL, entry(HOSPITAL, "furosemide", "20 mg x2")), at_home).kinds == {Difference.FREQUENCY}
    doubled = one_row(listed(HOSPITAL, entry(HOSPITAL, "furosemide", "40 mg x2")), at_home)
    assert doubled.kinds == {Difference.DOSE, Difference.FREQUENCY}


def test_units_are_converted_within_a_dimension_and_no_further() -> None:
    at_home = listed(PATIENT, entry(PATIENT, "levothyroxine", "75 ug x1"))
    assert one_row(listed(HOSPITAL, entry(HOSPITAL, "levothyroxine", "0.075 mg x1")), at_home).group is Group.SAME
    counted = one_row(listed(HOSPITAL, entry(HOSPITAL, "levothyroxine", "1 {tablet} x1")), at_home)
    assert counted.kinds == {Difference.CANNOT_COMPARE}
    assert counted.group is Group.DIFFERENT


def test_a_weekly_schedule_is_not_a_daily_one() -> None:
    row = one_row(
        listed(HOSPITAL, entry(HOSPITAL, "methotrexate", "15 mg x1")),
        listed(PATIENT, entry(PATIENT, "methotrexate", "15 mg x1/week")),
    )
    assert row.kinds == {Difference.DOSE, Difference.FREQUENCY}


def test_what_was_stopped_and_is_still_taken_says_so() -> None:
    row = one_row(
        listed(HOSPITAL, entry(HOSPITAL, "ibuprofen", state=State.STOPPED)),
        listed(PATIENT, entry(PATIENT, "ibuprofen", "400 mg x3 prn")),
    )
    assert (row.group, row.kinds) == (Group.DIFFERENT, {Difference.STOPPED_BUT_TAKING})


def test_what_nobody_takes_is_no_difference_and_what_is_absent_is_not_read_as_taken() -> None:
    resting = one_row(listed(HOSPITAL), listed(PATIENT, entry(PATIENT, "tramadol", "50 mg x2", state=State.NOT_TAKEN)))
    assert resting.group is Group.SAME
    absent = compare(
        [
            listed(HOSPITAL, entry(HOSPITAL, "aspirin", "81 mg x1")),
            listed(CLINIC, entry(CLINIC, "aspirin", "81 mg x1")),
            listed(PATIENT),
        ]
    ).rows[0]
    assert (absent.group, absent.kinds) == (Group.DIFFERENT, {Difference.NOT_TAKING})
    unknown = one_row(
        listed(HOSPITAL, entry(HOSPITAL, "aspirin", "81 mg x1")),
        listed(PATIENT, entry(PATIENT, "aspirin", "81 mg x1", state=State.UNKNOWN)),
    )
    assert unknown.kinds == {Difference.CANNOT_COMPARE}


def test_three_lists_that_agree_are_the_same_and_one_that_does_not_is_a_difference() -> None:
    lists = [listed(source, entry(source, "warfarin", "5 mg x1")) for source in (HOSPITAL, CLINIC, PATIENT)]
    assert compare(lists).rows[0].group is Group.SAME
    lists[1] = listed(CLINIC, entry(CLINIC, "warfarin", "4 mg x1"))
    row = compare(lists).rows[0]
    assert (row.group, row.kinds, len(row.entries)) == (Group.DIFFERENT, {Difference.DOSE}, 3)


def test_new_on_the_hospital_list_without_a_reason_says_so() -> None:
    new = entry(HOSPITAL, "potassium chloride", "10 meq x1")
    row = one_row(listed(HOSPITAL, new), listed(PATIENT))
    assert (row.group, row.kinds) == (Group.ONLY_LEFT, {Difference.COMMISSION, Difference.NO_INDICATION})
    told = one_row(listed(HOSPITAL, replace(new, reason="Low potassium")), listed(PATIENT))
    assert told.kinds == frozenset()


def test_a_combination_and_one_of_its_parts_may_be_the_same_and_are_a_difference_until_somebody_says_so() -> None:
    both = entry(HOSPITAL, "lisinopril and hctz", "20 mg x1", ingredients=frozenset({"lisinopril", "hctz"}))
    part = entry(PATIENT, "lisinopril", "20 mg x1")
    lists = [listed(HOSPITAL, both), listed(PATIENT, part)]
    row = compare(lists).rows[0]
    assert (row.maybe, row.group, row.kinds) == (True, Group.DIFFERENT, {Difference.DUPLICATE})
    two = compare(lists, Judged(two=frozenset({pair_id([both], [part])})))
    assert sorted(one.group for one in two.rows) == [Group.ONLY_LEFT, Group.ONLY_RIGHT]
    same = compare(lists, Judged(same=frozenset({pair_id([part], [both])})))
    assert [(one.maybe, one.group) for one in same.rows] == [(False, Group.SAME)]


def test_a_slip_in_a_name_that_no_table_knows_may_be_the_same() -> None:
    slip = entry(PATIENT, "metroprolol", "50 mg x1", ingredients=frozenset())
    rows = compare([listed(HOSPITAL, entry(HOSPITAL, "metoprolol", "50 mg x1")), listed(PATIENT, slip)]).rows
    assert [(row.maybe, Difference.UNKNOWN_PRODUCT in row.kinds) for row in rows] == [(True, True)]


def test_a_gel_is_not_a_tablet_but_a_moved_route_is_one_row() -> None:
    gel = entry(PATIENT, "ibuprofen", "1 g x3", route="topical")
    tablet = entry(HOSPITAL, "ibuprofen", "400 mg x3", route="oral")
    moved = one_row(listed(HOSPITAL, tablet), listed(PATIENT, gel))
    assert Difference.ROUTE in moved.kinds
    beside = entry(PATIENT, "ibuprofen", "400 mg x3", route="oral", reference="MedicationStatement/b")
    assert len(compare([listed(HOSPITAL, tablet), listed(PATIENT, gel, beside)]).rows) == 2


def test_a_fill_without_directions_speaks_for_the_product_alone() -> None:
    fill = entry(PHARMACY, "lisinopril", strength="10 mg")
    ordered = entry(HOSPITAL, "lisinopril", "10 mg x1", strength="10 mg")
    assert one_row(listed(HOSPITAL, ordered), listed(PHARMACY, fill)).group is Group.SAME
    other = replace(fill, strength="20 mg")
    assert one_row(listed(HOSPITAL, ordered), listed(PHARMACY, other)).kinds == {Difference.CANNOT_COMPARE}


def test_an_unsafe_medicine_is_not_the_same_on_both_and_a_moderate_note_does_not_interrupt() -> None:
    row = one_row(
        listed(HOSPITAL, entry(HOSPITAL, "apixaban", "5 mg x2")), listed(PATIENT, entry(PATIENT, "apixaban", "5 mg x2"))
    )

    def warned(tier: Tier) -> Row:
        says = Warned(rule="SV08", tier=tier, kind=Difference.INTERACTION, says="", do="", references=frozenset())
        return row.warned((says,))

    assert row.group is Group.SAME
    assert warned(Tier.CONTRAINDICATED).group is Group.DIFFERENT
    assert warned(Tier.MODERATE).group is Group.SAME


# What must hold for any lists.

_NAMES = ("furosemide", "metoprolol", "lisinopril", "apixaban", "warfarin", "metformin")


@st.composite
def _entries(draw: st.DrawFn, source: Source) -> Entry:
    name = draw(st.sampled_from(_NAMES))
    known = draw(st.sampled_from([frozenset({name}), frozenset({name, draw(st.sampled_from(_NAMES))}), frozenset()]))
    dose = draw(
        st.none()
        | st.builds(
            Dosing,
            amount=st.sampled_from([Decimal(5), Decimal(10), Decimal("0.01")]),
            unit=st.sampled_from(["mg", "g", "{tablet}", "meq"]),
            takes=st.sampled_from([Decimal(1), Decimal(2)]),
            per=st.sampled_from(Period),
            as_needed=st.booleans(),
        )
    )
    return Entry(
        reference=f"MedicationStatement/{draw(st.integers(0, 10**9))}",
        source=source,
        name=name,
        ingredients=known,
        release=draw(st.sampled_from(["", "immediate", "extended"])),
        route=draw(st.sampled_from(["", "oral", "topical"])),
        dosing=dose,
        said=str(dose or ""),
        state=draw(st.sampled_from(State)),
    )


@st.composite
def _lists(draw: st.DrawFn) -> list[MedicineList]:
    sources = draw(st.lists(st.sampled_from(Source), unique=True, max_size=4))
    some = [(source, draw(st.lists(_entries(source), max_size=5))) for source in sources]
    return [
        MedicineList(source=source, who="", told=None, entries=tuple(_numbered(entries, f"{source.value}-")))
        for source, entries in some
    ]


def _numbered(entries: list[Entry], before: str) -> list[Entry]:
    """A reference names one entry of the record."""
    return [replace(one, reference=f"MedicationStatement/{before}{place}") for place, one in enumerate(entries)]


@settings(max_examples=50, deadline=None)
@given(_lists())
def test_every_entry_of_every_list_is_in_exactly_one_row_of_exactly_one_group(lists: list[MedicineList]) -> None:
    found = compare(lists)
    shown = [one for group in Group for row in found.group(group) for one in row.entries]
    given_ = [one for each in lists for one in each.entries]
    assert sorted(map(repr, shown)) == sorted(map(repr, given_))


@settings(max_examples=50, deadline=None)
@given(_lists(), st.randoms(use_true_random=False))
def test_the_order_of_lists_and_of_their_entries_does_not_matter(lists: list[MedicineList], chance: object) -> None:
    turned = [replace(one, entries=tuple(reversed(one.entries))) for one in reversed(lists)]
    assert _seen(compare(lists)) == _seen(compare(turned))


_MIRROR = {Group.ONLY_LEFT: Group.ONLY_RIGHT, Group.ONLY_RIGHT: Group.ONLY_LEFT}


@settings(max_examples=50, deadline=None)
@given(st.lists(_entries(HOSPITAL), max_size=10), st.integers(0, 10))
def test_which_side_a_medicine_is_only_on_turns_with_the_sides(some: list[Entry], cut: int) -> None:
    some = _numbered(some, "")
    left, right = some[:cut], some[cut:]
    there = compare([listed(CLINIC, *_of(CLINIC, left)), listed(PATIENT, *_of(PATIENT, right))])
    back = compare([listed(CLINIC, *_of(CLINIC, right)), listed(PATIENT, *_of(PATIENT, left))])
    mirrored = {
        (frozenset(one.reference for one in row.entries), _MIRROR.get(row.group, row.group)) for row in back.rows
    }
    assert {(frozenset(one.reference for one in row.entries), row.group) for row in there.rows} == mirrored


def _of(source: Source, entries: list[Entry]) -> list[Entry]:
    return [replace(one, source=source) for one in entries]


def _seen(found: Comparison) -> set[tuple[str, Group, bool]]:
    return {(row.id, row.group, row.maybe) for row in found.rows}


def test_what_nobody_has_in_common_is_decimal_and_exact() -> None:
    thirds = dosing("0.1 mg x3"), dosing("0.3 mg x1")
    assert one_row(
        listed(HOSPITAL, entry(HOSPITAL, "digoxin", "0.1 mg x3")),
        listed(PATIENT, entry(PATIENT, "digoxin", "0.3 mg x1")),
    ).kinds == {Difference.FREQUENCY}
    assert thirds[0].total == thirds[1].total


def test_one_source_alone_is_unverified() -> None:
    alone = compare([listed(CLINIC, entry(CLINIC, "aspirin", "81 mg x1"))])
    assert alone.is_unverified
    assert not compare([listed(CLINIC), listed(PATIENT)]).is_unverified
    assert alone.left is Side.CLINIC
