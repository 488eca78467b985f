"""At which level each field of two people agrees.

The same levels are said in SQL for training (`identity.batch`).
"""

from careloop.identity.rules.folded import Folded, Home
from careloop.identity.rules.strings import is_one_slip, likeness

UNKNOWN = ""
"""One of the two says nothing."""

CLOSE = 0.88
"""Two words are close from this Jaro-Winkler likeness on."""
CLOSE_LINE = 0.9

EXACT, DIFFERS, SWAPPED, INITIAL, NICKNAME, NEAR, SLIP = (
    "exact", "differs", "swapped", "initial", "nickname", "near", "slip",
)  # fmt: skip
CLOSE_LEVEL, PARTIAL, FORMER, LAST_FOUR = "close", "partial", "former", "last-four"


def same(left: str, right: str) -> str:
    """Exact or differs."""
    if not left or not right:
        return UNKNOWN
    return EXACT if left == right else DIFFERS


def names(left: Folded, right: Folded) -> tuple[str, str]:
    """Levels of family and given name; both are swapped where each stands in the other's place."""
    family, given = family_level(left, right), given_level(left, right)
    if DIFFERS in (family, given) and _swapped(left, right):
        return SWAPPED, SWAPPED
    return family, given


def _swapped(left: Folded, right: Folded) -> bool:
    ones, twos = (left.family, left.given), (right.given, right.family)
    return all((*ones, *twos)) and all(one == two or _is_close(one, two) for one, two in zip(ones, twos, strict=True))


def _is_close(left: str, right: str) -> bool:
    return min(len(left), len(right)) >= 3 and (likeness(left, right) >= CLOSE or is_one_slip(left, right))


def family_level(left: Folded, right: Folded) -> str:
    """A former name (maiden name) counts as such; a double name against its part is close."""
    found = same(left.family, right.family)
    if found != DIFFERS:
        return found
    if _is_close(left.family, right.family) or _is_part(left.family, right.family):
        return CLOSE_LEVEL
    return FORMER if left.family in right.former or right.family in left.former else DIFFERS


def given_level(left: Folded, right: Folded) -> str:
    """Twins by their own word are compared to the letter: their names rhyme."""
    found = same(left.given, right.given)
    if found != DIFFERS or left.is_twin or right.is_twin:
        return found
    if left.forms & right.forms:
        return NICKNAME
    if _is_close(left.given, right.given):
        return CLOSE_LEVEL
    if min(len(left.given), len(right.given)) == 1 and left.given[0] == right.given[0]:
        return INITIAL
    return _by_other_given(left, right)


def _by_other_given(left: Folded, right: Folded) -> str:
    """Called by the second name, a single name written in the other's place, or a name cut short."""
    if (not right.family and right.given == left.family) or (not left.family and left.given == right.family):
        return SWAPPED
    if left.given == right.middle or right.given == left.middle:
        return SWAPPED
    short, long = sorted((left.given, right.given), key=len)
    return INITIAL if len(short) >= 2 and long.startswith(short) else DIFFERS


def _is_part(left: str, right: str) -> bool:
    """A double name against one of its parts: `garcialopez` and `garcia`."""
    short, long = sorted((left, right), key=len)
    return len(short) >= 3 and (long.startswith(short) or long.endswith(short))


def middle_level(left: str, right: str) -> str:
    """An initial agrees with a name that begins so."""
    found = same(left, right)
    if found == DIFFERS and min(len(left), len(right)) == 1 and left[0] == right[0]:
        return INITIAL
    return found


def born_level(left: str, right: str) -> str:
    """Exact, one slip of the pen, a part that is known agrees, two of year, month and day agree, or differs."""
    if not left or not right:
        return UNKNOWN
    if len(left) < 10 or len(right) < 10:
        short = min(len(left), len(right))
        return PARTIAL if left[:short] == right[:short] else DIFFERS
    if left == right:
        return EXACT
    if is_date_slip(left, right):
        return SLIP
    parts = zip(left.split("-"), right.split("-"), strict=True)
    return NEAR if sum(one == two for one, two in parts) == 2 and left[:3] == right[:3] else DIFFERS


def is_date_slip(left: str, right: str) -> bool:
    """One digit (not of the decade: that is a generation), two neighbours swapped, or day and month swapped."""
    if left[:4] == right[:4] and left[5:7] == right[8:] and left[8:] == right[5:7]:
        return True
    wrong = [place for place, (one, two) in enumerate(zip(left, right, strict=True)) if one != two]
    if len(wrong) == 1:
        return wrong[0] >= 3
    if len(wrong) != 2 or wrong[1] - wrong[0] != 1 or wrong[0] < 2:
        return False
    first, second = wrong
    return left[first] == right[second] and left[second] == right[first]


def any_of(left: frozenset[str], right: frozenset[str]) -> str:
    """Exact where one is shared, close where two differ by one slip."""
    if not left or not right:
        return UNKNOWN
    if left & right:
        return EXACT
    return CLOSE_LEVEL if any(is_one_slip(one, two) for one in left for two in right) else DIFFERS


def email_level(left: frozenset[str], right: frozenset[str]) -> str:
    """As `any_of`; the same name at another provider is close too."""
    found = any_of(left, right)
    if found != DIFFERS:
        return found
    ones, twos = ({one.partition("@")[0] for one in some} for some in (left, right))
    near = any(likeness(one, two) >= CLOSE_LINE for one in left for two in right)
    return CLOSE_LEVEL if near or any(len(one) > 4 for one in ones & twos) else DIFFERS


def street_level(left: Home, right: Home) -> str:
    """Exact; close: the same house and a line that is spelled much alike; near: another house of such a street."""
    found = same(left.line, right.line)
    if found != DIFFERS:
        return found
    alike = likeness(left.line, right.line) >= CLOSE_LINE or set(left.line.split()) == set(right.line.split())
    same_house = left.house == right.house or not left.house or not right.house
    if alike or (same_house and left.house and _shares_words(left.line, right.line)):
        return CLOSE_LEVEL if same_house else NEAR
    return DIFFERS


def _shares_words(left: str, right: str) -> bool:
    """More than half of the words of the shorter line stand in the other."""
    ones, twos = set(left.split()), set(right.split())
    return len(ones & twos) * 2 > min(len(ones), len(twos))


def place_level(left: Home, right: Home) -> str:
    """The postal code; where it differs by a slip, or is not known, the city."""
    found = same(left.postal, right.postal)
    if found == EXACT:
        return found
    city = same(left.city, right.city)
    if city == EXACT or (city == DIFFERS and _is_close(left.city, right.city)):
        return CLOSE_LEVEL
    if found == DIFFERS and is_one_slip(left.postal, right.postal):
        return CLOSE_LEVEL
    return found or city


def number_level(left: tuple[tuple[str, str], ...], right: tuple[tuple[str, str], ...]) -> str:
    """The best level of any number that both have of one kind."""
    levels = {_number(one, two) for kind, one in left for other, two in right if kind == other}
    return next((level for level in (EXACT, SLIP, LAST_FOUR, DIFFERS) if level in levels), UNKNOWN)


def _number(left: str, right: str) -> str:
    if left == right:
        return EXACT
    short, long = sorted((left, right), key=len)
    if len(short) == 4 and long.endswith(short):
        return LAST_FOUR
    return SLIP if len(short) >= 6 and is_one_slip(left, right) else DIFFERS
