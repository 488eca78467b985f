"""What differs between the entries of one medicine (ME-03 to ME-05). Pure and the same in every order."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from careloop.medications.rules.reconciling.doses import doses_differ
from careloop.medications.rules.reconciling.values import Difference, Entry, Group, Side, Source, State

_NOTHING: frozenset[Difference] = frozenset()


def kinds_of(entries: Sequence[Entry]) -> frozenset[Difference]:
    """Every difference between any two entries of one medicine, and what is doubtful in each alone."""
    found = set().union(*(between(one, other) for one, other in combinations(entries, 2)))
    if _is_doubled(entries):
        found.add(Difference.DUPLICATE)
    if any(not one.is_known for one in entries):
        found.add(Difference.UNKNOWN_PRODUCT)
    return frozenset(found)


def between(one: Entry, other: Entry) -> frozenset[Difference]:
    """How two entries of one medicine differ."""
    if one.state.is_resting and other.state.is_resting:
        return _NOTHING
    if one.state.is_resting or other.state.is_resting:
        resting, taken = (one, other) if one.state.is_resting else (other, one)
        return _rest(resting, taken)
    found = set(how_taken(one, other))
    if State.UNKNOWN in (one.state, other.state):
        found.add(Difference.CANNOT_COMPARE)
    if one.release and other.release and one.release != other.release:
        found.add(Difference.FORMULATION)
    if one.route and other.route and one.route != other.route:
        found.add(Difference.ROUTE)
    return frozenset(found)


def _rest(resting: Entry, taken: Entry) -> frozenset[Difference]:
    """One says that it is not taken, the other that it is: whoever is at home with it knows what is taken."""
    if resting.side is Side.HOME:
        return frozenset({Difference.NOT_TAKING})
    return frozenset({Difference.STOPPED_BUT_TAKING})


def how_taken(one: Entry, other: Entry) -> frozenset[Difference]:
    """Dose and frequency. A fill without directions says which product it is; that is compared, and nothing more is
    read into it."""
    if one.dosing is not None and other.dosing is not None:
        return doses_differ(one.dosing, other.dosing)
    silent = [each for each in (one, other) if each.dosing is None and not each.said.strip()]
    if any(each.source is Source.PHARMACY for each in silent) and one.strength and one.strength == other.strength:
        return _NOTHING
    if one.said.strip() and _plain(one.said) == _plain(other.said) and one.strength == other.strength:
        return _NOTHING
    return frozenset({Difference.CANNOT_COMPARE})


def _is_doubled(entries: Iterable[Entry]) -> bool:
    """Two products of one ingredient that somebody may take together: twice on one list, or another making at home
    than the one ordered (worked case 1)."""
    taken = [one for one in entries if one.state.is_taken]
    for one, other in combinations(taken, 2):
        both_home = one.side is Side.HOME and other.side is Side.HOME
        if one.source is other.source and between(one, other):
            return True
        if not both_home and Side.HOME in (one.side, other.side) and Difference.FORMULATION in between(one, other):
            return True
    return False


def alone(entries: Sequence[Entry], group: Group, *, left_is_hospital: bool) -> frozenset[Difference]:
    """What it means that only some lists name it: left out without a stop reason, or new without a reason (ME-04)."""
    if group is Group.ONLY_LEFT:
        said = [one for one in entries if not one.reason]
        return frozenset({Difference.COMMISSION, Difference.NO_INDICATION}) if said and left_is_hospital else _NOTHING
    if group is Group.ONLY_RIGHT and any(one.state.is_taken and not one.stop_reason for one in entries):
        return frozenset({Difference.OMISSION})
    return _NOTHING


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace(".", " ").replace(",", " ").split())
