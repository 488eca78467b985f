"""Which entries are one medicine, and which only look alike (ME-02). Pure; the order of lists does not matter."""

import re
from collections.abc import Iterable, Mapping, Sequence

from careloop.medications.rules.reconciling.values import Entry

_WORD = re.compile(r"[a-z]{4,}")
_NO_NAMES = frozenset(
    _WORD.findall(
        "tablet tablets capsule capsules oral solution extended release delayed mouth daily twice once every morning "
        "night bedtime needed with food units unit inhaler inhalation cream ointment drops chewable injection acid "
        "sodium hydrochloride sulfate tartrate succinate potassium calcium vitamin hour hours take taken pill pills"
    )
)
"""Words that stand beside many names, so they say nothing about which medicine it is."""
_SLIPS = 2


def clusters(entries: Iterable[Entry]) -> list[tuple[Entry, ...]]:
    """Entries of one ingredient set by one route stand together; those of no known product by their very name.

    Who names no route joins the only route that others name. Every entry is in exactly one cluster.
    """
    made: dict[tuple[object, ...], list[Entry]] = {}
    unrouted: list[Entry] = []
    for one in sorted(entries, key=_order):
        if one.is_known and not one.route:
            unrouted.append(one)
        else:
            made.setdefault(_key(one), []).append(one)
    routes: dict[frozenset[str], list[tuple[object, ...]]] = {}
    for key, some in made.items():
        if some[0].is_known:
            routes.setdefault(some[0].ingredients, []).append(key)
    for one in unrouted:
        known = routes.get(one.ingredients, [])
        made.setdefault(known[0] if len(known) == 1 else (one.ingredients, ""), []).append(one)
    return [tuple(sorted(some, key=_order)) for some in made.values()]


def looks_alike(left: Sequence[Entry], right: Sequence[Entry]) -> int:
    """How much two clusters look like one medicine: 0 not at all. A shared ingredient counts most, then a name that
    is written nearly the same. It never joins anything: a person judges (ui.md §7.3)."""
    pairs = [(one, other) for one in left for other in right]
    if any(one.ingredients & other.ingredients for one, other in pairs):
        return 3
    if all(one.is_known and other.is_known for one, other in pairs):
        return 0
    return max((_names_alike(one, other) for one, other in pairs), default=0)


def best_pairs(scores: Mapping[tuple[int, int], int]) -> list[tuple[int, int]]:
    """Each of the first with at most one of the second, the likest first; the same whichever side is called first."""
    ordered = sorted(scores, key=lambda pair: (-scores[pair], sum(pair), abs(pair[0] - pair[1]), min(pair)))
    taken: tuple[set[int], set[int]] = (set(), set())
    found = []
    for one, other in ordered:
        if scores[one, other] and one not in taken[0] and other not in taken[1]:
            taken[0].add(one)
            taken[1].add(other)
            found.append((one, other))
    return found


def name_key(name: str) -> str:
    """A name as it is compared: small letters, without what stands beside it."""
    return " ".join(re.sub(r"[^a-z0-9. ]+", " ", name.casefold()).split())


def _names_alike(one: Entry, other: Entry) -> int:
    ours, theirs = _names(one), _names(other)
    if ours & theirs:
        return 2
    return 1 if any(_is_slip(mine, yours) for mine in ours for yours in theirs) else 0


def _names(entry: Entry) -> frozenset[str]:
    words = frozenset(_WORD.findall(entry.name.casefold())) | frozenset(
        word for name in entry.ingredients for word in _WORD.findall(name.casefold())
    )
    return words - _NO_NAMES


def _is_slip(one: str, other: str) -> bool:
    """True where at most two letters are wrong, in words of six letters and more."""
    if min(len(one), len(other)) < 6 or abs(len(one) - len(other)) > _SLIPS or one[0] != other[0]:
        return False
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for column, wanted in enumerate(other, start=1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != wanted)))
        before = now
    return before[-1] <= _SLIPS


def _key(one: Entry) -> tuple[object, ...]:
    return (one.ingredients, one.route) if one.is_known else ("named", name_key(one.name))


def _order(one: Entry) -> tuple[str, str, str]:
    return (one.name.casefold(), one.source.value, one.reference)
