"""Two descriptions of a person compared: points per field, a total, a grade. It advises a person and joins nothing.

The points are log2 odds in the manner of Fellegi and Sunter (J. Am. Stat. Assoc. 64, 1969): how much likelier the
finding is for one person than for two. They are our estimates, checked against the truth sets named in the tests.
"""

from decimal import Decimal
from functools import lru_cache

from careloop.identity.model import Comparison, Demographics, FieldEvidence, Grade, Verdict
from careloop.identity.rules.folding import (
    family_and_suffix,
    first_given,
    fold_emails,
    fold_line,
    fold_phones,
    fold_postal,
    is_full_date,
    middle,
)

REVIEW_POINTS = Decimal(12)
"""From here on a pair goes to the review queue."""
_CERTAIN = Decimal(21)
_POSSIBLE = Decimal(9)
_BELOW_REVIEW = REVIEW_POINTS - Decimal("0.5")
_SIMILAR = 0.88

_POINTS: dict[str, dict[Verdict, Decimal]] = {
    "family": {Verdict.AGREES: Decimal(6), Verdict.SIMILAR: Decimal(4), Verdict.DIFFERS: Decimal(-4)},
    "given": {Verdict.AGREES: Decimal(6), Verdict.SIMILAR: Decimal(3), Verdict.DIFFERS: Decimal(-8)},
    "middle": {Verdict.AGREES: Decimal(1), Verdict.SIMILAR: Decimal("0.5"), Verdict.DIFFERS: Decimal(-1)},
    "suffix": {Verdict.AGREES: Decimal(1), Verdict.DIFFERS: Decimal(-8)},
    "birth date": {Verdict.AGREES: Decimal(9), Verdict.SIMILAR: Decimal(4), Verdict.DIFFERS: Decimal(-7)},
    "sex": {Verdict.AGREES: Decimal("0.5"), Verdict.DIFFERS: Decimal(-3)},
    "phone": {Verdict.AGREES: Decimal(6), Verdict.DIFFERS: Decimal("-0.5")},
    "e-mail": {Verdict.AGREES: Decimal(6), Verdict.DIFFERS: Decimal("-0.5")},
    "address": {Verdict.AGREES: Decimal(5), Verdict.SIMILAR: Decimal(1), Verdict.DIFFERS: Decimal("-0.5")},
    "number": {Verdict.AGREES: Decimal(10), Verdict.DIFFERS: Decimal(-4)},
    "birth order": {Verdict.AGREES: Decimal(0), Verdict.DIFFERS: Decimal(-20)},
}


def compare(left: Demographics, right: Demographics) -> Comparison:
    """How alike two descriptions are. The same for (a, b) and (b, a). Twins, and a parent and child of one name,
    stay below the review line unless a number of their own agrees."""
    fields = tuple(found for found in _fields(left, right) if found.verdict is not Verdict.UNKNOWN)
    points = sum((found.points for found in fields), Decimal(0))
    verdicts = {found.field: found.verdict for found in fields}
    capped = _cap(verdicts)
    if capped is not None:
        points = min(points, _BELOW_REVIEW)
    return Comparison(points=points, grade=_grade(points), fields=fields, capped=capped)


def may_reach_review(left: Demographics, right: Demographics) -> bool:
    """False where a rule keeps the pair below the review line whatever else agrees: most neighbours, told cheaply."""
    given, suffixes = _names(left, right)[1], [family_and_suffix(one)[1] for one in (left, right)]
    verdicts = {
        "given": given,
        "birth date": _birth_date(left.birth_date, right.birth_date),
        "suffix": _same(*suffixes),
        "number": _number(left, right),
    }
    return _cap(verdicts) is None


def search_score(points: Decimal) -> Decimal:
    """Points as a `Bundle.entry.search.score` from 0 to 1; the review line is 0.5."""
    odds = 2 ** float(max(min(points - REVIEW_POINTS, Decimal(30)), Decimal(-30)))
    return Decimal(str(round(odds / (1 + odds), 3)))


def _grade(points: Decimal) -> Grade:
    if points >= _CERTAIN:
        return Grade.CERTAIN
    if points >= REVIEW_POINTS:
        return Grade.PROBABLE
    return Grade.POSSIBLE if points >= _POSSIBLE else Grade.CERTAINLY_NOT


def _cap(verdicts: dict[str, Verdict]) -> str | None:
    """Why a pair must stay below review however much the household agrees; None where no such rule holds."""
    if verdicts.get("number") is Verdict.AGREES:
        return None
    if verdicts.get("given") is Verdict.DIFFERS:
        return "given names differ: household members share the rest"
    if verdicts.get("birth date") is Verdict.DIFFERS:
        return "birth dates differ: parent and child may share the rest"
    if verdicts.get("suffix") is Verdict.DIFFERS:
        return "suffixes differ: parent and child"
    return None


def _fields(left: Demographics, right: Demographics) -> list[FieldEvidence]:
    left_suffix, right_suffix = family_and_suffix(left)[1], family_and_suffix(right)[1]
    names = _names(left, right)
    shown = [
        ("family", names[0], left.family, right.family),
        ("given", names[1], " ".join(left.given[:1]), " ".join(right.given[:1])),
        ("middle", _middle(middle(left), middle(right)), middle(left), middle(right)),
        ("suffix", _same(left_suffix, right_suffix), left_suffix, right_suffix),
        ("birth date", _birth_date(left.birth_date, right.birth_date), left.birth_date, right.birth_date),
        ("sex", _sex(left.sex, right.sex), left.sex, right.sex),
        ("phone", _overlap(fold_phones(left), fold_phones(right)), _list(left.phones), _list(right.phones)),
        ("e-mail", _overlap(fold_emails(left), fold_emails(right)), _list(left.emails), _list(right.emails)),
        ("address", _address(left, right), _homes(left), _homes(right)),
        ("number", _number(left, right), "", ""),
        ("birth order", _same(str(left.birth_order or ""), str(right.birth_order or "")), "", ""),
    ]
    return [
        FieldEvidence(field=field, verdict=verdict, points=_POINTS[field].get(verdict, Decimal(0)), left=one, right=two)
        for field, verdict, one, two in shown
    ]


def _names(left: Demographics, right: Demographics) -> tuple[Verdict, Verdict]:
    """Family and given name; the two in each other's place are similar."""
    left_family, right_family = family_and_suffix(left)[0], family_and_suffix(right)[0]
    if left_family and left_family == first_given(right) and right_family == first_given(left) != left_family:
        return Verdict.SIMILAR, Verdict.SIMILAR
    return _name(left_family, right_family), _given(left, right, strict=left.is_twin or right.is_twin)


def _same(left: str, right: str) -> Verdict:
    if not left or not right:
        return Verdict.UNKNOWN
    return Verdict.AGREES if left == right else Verdict.DIFFERS


def _name(left: str, right: str) -> Verdict:
    exact = _same(left, right)
    if exact is Verdict.DIFFERS and (likeness(left, right) >= _SIMILAR or _is_part(left, right)):
        return Verdict.SIMILAR
    return exact


def _given(left: Demographics, right: Demographics, *, strict: bool) -> Verdict:
    one, two = first_given(left), first_given(right)
    if strict:
        return _same(one, two)
    found = _name(one, two)
    if found is Verdict.DIFFERS and (len(one) == 1 or len(two) == 1) and one[0] == two[0]:
        return Verdict.SIMILAR
    if found is Verdict.DIFFERS and {one, two} & ({middle(left)} | {middle(right)}) and _swapped(left, right):
        return Verdict.SIMILAR
    return found


def _swapped(left: Demographics, right: Demographics) -> bool:
    return first_given(left) == middle(right) or first_given(right) == middle(left)


def _middle(left: str, right: str) -> Verdict:
    exact = _same(left, right)
    if exact is Verdict.DIFFERS and min(len(left), len(right)) == 1 and left[0] == right[0]:
        return Verdict.SIMILAR
    return exact


def _is_part(left: str, right: str) -> bool:
    """A double name against one of its parts: `garcialopez` and `garcia`."""
    short, long = sorted((left, right), key=len)
    return len(short) >= 4 and (long.startswith(short) or long.endswith(short))


def _sex(left: str, right: str) -> Verdict:
    known = ("male", "female")
    return _same(left, right) if left in known and right in known else Verdict.UNKNOWN


def _birth_date(left: str, right: str) -> Verdict:
    if not left or not right:
        return Verdict.UNKNOWN
    if left == right and is_full_date(left):
        return Verdict.AGREES
    if not (is_full_date(left) and is_full_date(right)):
        short = min(len(left), len(right))
        return Verdict.SIMILAR if left[:short] == right[:short] else Verdict.DIFFERS
    return Verdict.SIMILAR if _is_slip(left, right) else Verdict.DIFFERS


def _is_slip(left: str, right: str) -> bool:
    """One slip of the pen: one digit, two neighbours swapped, or day and month swapped."""
    if left[:4] == right[:4] and left[5:7] == right[8:] and left[8:] == right[5:7]:
        return True
    wrong = [place for place, (one, two) in enumerate(zip(left, right, strict=True)) if one != two]
    if len(wrong) == 1:
        return wrong[0] >= 3
    if len(wrong) != 2 or wrong[1] - wrong[0] != 1:
        return False
    first, second = wrong
    return left[first] == right[second] and left[second] == right[first]


def _overlap(left: frozenset[str], right: frozenset[str]) -> Verdict:
    if not left or not right:
        return Verdict.UNKNOWN
    return Verdict.AGREES if left & right else Verdict.DIFFERS


def _address(left: Demographics, right: Demographics) -> Verdict:
    ones = [(fold_line(home), fold_postal(home)) for home in left.addresses]
    twos = [(fold_line(home), fold_postal(home)) for home in right.addresses]
    pairs = [(one, two) for one in ones for two in twos if (one[0] and two[0]) or (one[1] and two[1])]
    if not pairs:
        return Verdict.UNKNOWN
    if any(one[0] and one[0] == two[0] and (one[1] == two[1] or not one[1] or not two[1]) for one, two in pairs):
        return Verdict.AGREES
    return Verdict.SIMILAR if any(one[1] and one[1] == two[1] for one, two in pairs) else Verdict.DIFFERS


def _number(left: Demographics, right: Demographics) -> Verdict:
    ones = {number.system: number.value for number in left.weak}
    twos = {number.system: number.value for number in right.weak}
    shared = ones.keys() & twos.keys()
    if not shared:
        return Verdict.UNKNOWN
    return Verdict.AGREES if any(ones[system] == twos[system] for system in shared) else Verdict.DIFFERS


def _list(values: tuple[str, ...]) -> str:
    return ", ".join(values)


def _homes(person: Demographics) -> str:
    parts = [(home.line, home.city, home.postal_code) for home in person.addresses]
    return "; ".join(" ".join(part for part in home if part) for home in parts)


@lru_cache(maxsize=8192)
def likeness(left: str, right: str) -> float:
    """Jaro-Winkler similarity from 0 to 1 (Winkler 1990: prefix of at most four letters, weight 0.1)."""
    if left == right:
        return 1.0
    jaro = _jaro(left, right)
    prefix = next((place for place, (one, two) in enumerate(zip(left[:4], right[:4], strict=False)) if one != two), 4)
    return jaro + min(prefix, len(left), len(right)) * 0.1 * (1 - jaro)


def _jaro(left: str, right: str) -> float:
    if not left or not right:
        return 0.0
    reach = max(len(left), len(right)) // 2 - 1
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
    moved = sum(one != two for one, two in zip(ones, twos, strict=True)) / 2
    same = len(ones)
    return (same / len(left) + same / len(right) + (same - moved) / same) / 3
