"""Lists side by side: each medicine in exactly one of the four groups (ui.md §7.3, ME-02 to ME-05). Pure."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from careloop.medications.rules.reconciling.differences import alone, kinds_of
from careloop.medications.rules.reconciling.matching import best_pairs, clusters, looks_alike
from careloop.medications.rules.reconciling.values import (
    Comparison,
    Difference,
    Entry,
    Group,
    Judged,
    MedicineList,
    Row,
    Side,
)

_ORDER = tuple(Group)
_NOBODY = Judged()


def compare(lists: Sequence[MedicineList], judged: Judged = _NOBODY) -> Comparison:
    """All lists held against the left one: the hospital's, else ours. `judged`: what people said of rows that only
    look alike, by `pair_id`."""
    ordered = tuple(sorted(lists, key=lambda one: list(Side).index(one.side)))
    sides = tuple(side for side in Side if any(one.side is side for one in lists))
    some = clusters(entry for one in lists for entry in one.entries)
    some = _routes_joined(some, sides)
    rows = _with_likely_pairs([_row(entries, sides) for entries in some], sides, judged)
    return Comparison(lists=ordered, sides=sides, rows=tuple(sorted(rows, key=_place)))


def row_id(entries: Iterable[Entry]) -> str:
    """The same for the same entries in the same versions: a decision holds for what was seen, and for nothing else."""
    text = "\x1f".join(sorted(f"{one.source.value} {one.reference} {one.version}" for one in entries))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def pair_id(one: Iterable[Entry], other: Iterable[Entry]) -> str:
    """Names two rows together, in whichever order."""
    return row_id([*one, *other])


def _row(entries: Sequence[Entry], sides: Sequence[Side]) -> Row:
    kinds = kinds_of(entries)
    group = _group(entries, sides, kinds)
    left_is_hospital = bool(sides) and sides[0] is Side.HOSPITAL
    if _is_absent(entries, sides):
        kinds |= {Difference.NOT_TAKING}
    kinds |= alone(entries, group, left_is_hospital=left_is_hospital)
    return Row(id=row_id(entries), group=group, name=_name(entries), entries=tuple(entries), kinds=kinds)


def _group(entries: Sequence[Entry], sides: Sequence[Side], kinds: frozenset[Difference]) -> Group:
    here = {one.side for one in entries}
    if all(one.state.is_resting for one in entries):
        return Group.SAME
    if len(sides) == 1:
        return Group.DIFFERENT if kinds - {Difference.UNKNOWN_PRODUCT} else Group.SAME
    if here == {sides[0]}:
        return Group.ONLY_LEFT
    if sides[0] not in here:
        return Group.ONLY_RIGHT
    if here != set(sides) or kinds - {Difference.UNKNOWN_PRODUCT}:
        return Group.DIFFERENT
    return Group.SAME


def _is_absent(entries: Sequence[Entry], sides: Sequence[Side]) -> bool:
    """The hospital and our list name it and nobody at home does: nothing absent reads as taken."""
    here = {one.side for one in entries}
    return Side.HOME in sides and Side.HOME not in here and len(here) > 1


def _routes_joined(some: Sequence[tuple[Entry, ...]], sides: Sequence[Side]) -> list[tuple[Entry, ...]]:
    """One ingredient that the left list gives by one route and all others by another is one medicine with another
    route (ME-04). Where anybody has both, they are two."""
    if len(sides) < 2:
        return list(some)
    by_ingredients: dict[frozenset[str], list[tuple[Entry, ...]]] = {}
    rest = []
    for entries in some:
        if entries[0].is_known:
            by_ingredients.setdefault(entries[0].ingredients, []).append(entries)
        else:
            rest.append(entries)
    for found in by_ingredients.values():
        is_moved = len(found) == 2 and not ({one.side for one in found[0]} & {one.side for one in found[1]})
        rest += [(*found[0], *found[1])] if is_moved else found
    return rest


def _with_likely_pairs(rows: Sequence[Row], sides: Sequence[Side], judged: Judged) -> list[Row]:
    """Rows of the left list alone and rows of the others that look alike stand together as `maybe`, until somebody
    said that they are one, or two."""
    left = sorted((row for row in rows if row.group is Group.ONLY_LEFT), key=_words_of)
    right = sorted((row for row in rows if row.group is Group.ONLY_RIGHT), key=_words_of)
    scores = {
        (i, j): 0 if pair_id(one.entries, other.entries) in judged.two else looks_alike(one.entries, other.entries)
        for i, one in enumerate(left)
        for j, other in enumerate(right)
    }
    paired = best_pairs(scores)
    gone = {left[i].id for i, _ in paired} | {right[j].id for _, j in paired}
    joined = [_pair(left[i], right[j], sides, judged) for i, j in paired]
    return [*(row for row in rows if row.id not in gone), *joined]


def _words_of(row: Row) -> list[tuple[str, str]]:
    """Orders rows by what they say and not by who says it: equally good pairs are the same whichever side is left."""
    return sorted((one.name.casefold(), one.reference) for one in row.entries)


def _pair(one: Row, other: Row, sides: Sequence[Side], judged: Judged) -> Row:
    entries = (*one.entries, *other.entries)
    if pair_id(one.entries, other.entries) in judged.same:
        return _row(entries, sides)
    kinds = kinds_of(entries) & {Difference.UNKNOWN_PRODUCT}
    shares = any(mine.ingredients & theirs.ingredients for mine in one.entries for theirs in other.entries)
    return Row(
        id=row_id(entries),
        group=Group.DIFFERENT,
        name=one.name,
        entries=entries,
        kinds=kinds | ({Difference.DUPLICATE} if shares else set()),
        maybe=True,
    )


def _name(entries: Sequence[Entry]) -> str:
    """What the list to the left calls it, by its ingredients where they are known."""
    first = min(entries, key=lambda one: (list(Side).index(one.side), one.name.casefold(), one.reference))
    if not first.is_known:
        return first.name
    words = " and ".join(sorted(first.ingredients))
    return words[:1].upper() + words[1:]


def _place(row: Row) -> tuple[int, str, str]:
    return (_ORDER.index(row.group), row.name.casefold(), row.id)
