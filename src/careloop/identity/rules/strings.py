"""How alike two words are: Jaro-Winkler likeness, and one slip of the pen."""

from functools import lru_cache

_BOOST_FROM = 0.7
"""Winkler (1990) counts the common beginning only of words that are alike already; DuckDB does the same."""


@lru_cache(maxsize=16384)
def likeness(left: str, right: str) -> float:
    """Jaro-Winkler similarity from 0 to 1 (Winkler 1990: prefix of at most four letters, weight 0.1)."""
    if left == right:
        return 1.0
    jaro = _jaro(left, right)
    if jaro <= _BOOST_FROM:
        return jaro
    prefix = next((place for place, (one, two) in enumerate(zip(left[:4], right[:4], strict=False)) if one != two), 4)
    return jaro + min(prefix, len(left), len(right)) * 0.1 * (1 - jaro)


def is_one_slip(left: str, right: str) -> bool:
    """One letter wrong, missing or too many, or two neighbours swapped; equal words are no slip."""
    if left == right or abs(len(left) - len(right)) > 1:
        return False
    start = next((place for place, (one, two) in enumerate(zip(left, right, strict=False)) if one != two), None)
    if start is None:
        return True
    one, two = left[start:], right[start:]
    if len(left) == len(right):
        return one[1:] == two[1:] or (one[:2] == two[1::-1] and one[2:] == two[2:])
    return one[1:] == two if len(left) > len(right) else one == two[1:]


def _jaro(left: str, right: str) -> float:
    if not left or not right:
        return 0.0
    reach = max(max(len(left), len(right)) // 2 - 1, 0)
    free = list(right)
    ones, places = [], []
    for place, letter in enumerate(left):
        low, high = max(0, place - reach), min(len(right), place + reach + 1)
        found = next((there for there in range(low, high) if free[there] == letter), None)
        if found is not None:
            free[found] = ""
            ones.append(letter)
            places.append(found)
    if not ones:
        return 0.0
    twos = [right[there] for there in sorted(places)]
    moved = sum(one != two for one, two in zip(ones, twos, strict=True)) // 2
    same = len(ones)
    return (same / len(left) + same / len(right) + (same - moved) / same) / 3
