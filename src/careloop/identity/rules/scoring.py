"""Two descriptions of a person compared: points per field, a total, a grade, and the rules that points cannot overrule.

Points are log2 odds in the manner of Fellegi and Sunter (J. Am. Stat. Assoc. 64, 1969): how much likelier the finding
is for one person than for two. They come from `content/matching/weights.yaml`, trained as it says.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from careloop.identity.model import Ceiling, Comparison, Demographics, FieldEvidence, Grade, Verdict
from careloop.identity.rules import levels
from careloop.identity.rules.blocking import keys_of
from careloop.identity.rules.ceilings import ceiling_of
from careloop.identity.rules.folded import Folded, fold
from careloop.identity.rules.levels import DIFFERS, EXACT, UNKNOWN
from careloop.identity.rules.weights import Weights

_STEP = Decimal("0.5")
_CACHED = 8192


class Likeness:
    """Compares people by one set of weights. Pure, and safe to share between threads."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.review = weights.lines.review
        self.fold = lru_cache(maxsize=_CACHED)(lambda person: fold(person, weights))
        self._keys = lru_cache(maxsize=_CACHED)(lambda person: keys_of(self.fold(person)))

    def keys(self, person: Demographics) -> frozenset[int]:
        """Signed 64-bit hashes under which this person is looked for."""
        return self._keys(person)

    def may_reach_review(self, left: Demographics, right: Demographics) -> bool:
        """False where a rule keeps the pair below the review line whatever else agrees: most neighbours, told
        cheaply."""
        one, two = self.fold(left), self.fold(right)
        found = _named_levels(one, two)
        ceiling, _ = ceiling_of(found, one, two)
        return ceiling is not Ceiling.APART

    def compare(self, left: Demographics, right: Demographics) -> Comparison:
        """How alike two descriptions are. The same for (a, b) and (b, a). Rules come before points: twins, a parent
        and child of one name and members of a household stay apart; what only looks the same goes to a person."""
        one, two = self.fold(left), self.fold(right)
        found = {**_named_levels(one, two), **_other_levels(one, two), **self._home_levels(one, two)}
        fields = tuple(self._evidence(name, level, left, right, one, two) for name, level in found.items() if level)
        ceiling, why = ceiling_of(found, one, two)
        points = sum((line.points for line in fields), Decimal(0))
        shown = self._limited(points, ceiling)
        grade = self._grade(shown)
        if ceiling is Ceiling.ASK and grade is Grade.CERTAIN:
            grade = Grade.PROBABLE
        return Comparison(points=shown, grade=grade, fields=fields, capped=why, ceiling=ceiling)

    def score(self, points: Decimal) -> Decimal:
        """Points as a `Bundle.entry.search.score` from 0 to 1; the review line is 0.5."""
        odds = 2 ** float(max(min(points - self.review, Decimal(30)), Decimal(-30)))
        return Decimal(str(round(odds / (1 + odds), 3)))

    def _limited(self, points: Decimal, ceiling: Ceiling) -> Decimal:
        return min(points, self.review - _STEP) if ceiling is Ceiling.APART else points

    def _grade(self, points: Decimal) -> Grade:
        lines = self.weights.lines
        if points >= lines.certain:
            return Grade.CERTAIN
        if points >= lines.review:
            return Grade.PROBABLE
        return Grade.POSSIBLE if points >= lines.possible else Grade.CERTAINLY_NOT

    def _home_levels(self, left: Folded, right: Folded) -> dict[str, str]:
        """Street and place of the two addresses that agree best."""
        pairs = [
            {"street": levels.street_level(one, two), "place": levels.place_level(one, two)}
            for one in left.homes
            for two in right.homes
        ]
        return max(pairs, key=self._home_points, default={})

    def _home_points(self, found: dict[str, str]) -> Decimal:
        return sum((self.weights.points(name, level) for name, level in found.items() if level), Decimal(0))

    def _evidence(
        self, name: str, level: str, left: Demographics, right: Demographics, one: Folded, two: Folded
    ) -> FieldEvidence:
        value = {"family": one.family, "given": one.given}.get(name, "")
        shown = _shown(name, left, right)
        return FieldEvidence(
            field=name,
            verdict=_VERDICTS.get(level, Verdict.SIMILAR),
            points=self.weights.points(name, level, value),
            left=shown[0],
            right=shown[1],
            level=level,
            says=self.weights.says(name, level),
        )


_VERDICTS = {EXACT: Verdict.AGREES, DIFFERS: Verdict.DIFFERS, UNKNOWN: Verdict.UNKNOWN}


def _named_levels(left: Folded, right: Folded) -> dict[str, str]:
    """The fields that rules look at."""
    family, given = levels.names(left, right)
    return {
        "family": family,
        "given": given,
        "suffix": levels.same(left.suffix, right.suffix),
        "birth date": levels.born_level(left.born, right.born),
        "number": levels.number_level(left.numbers, right.numbers),
    }


def _other_levels(left: Folded, right: Folded) -> dict[str, str]:
    return {
        "middle": levels.middle_level(left.middle, right.middle),
        "sex": levels.same(left.sex, right.sex),
        "phone": levels.any_of(left.phones, right.phones),
        "e-mail": levels.email_level(left.emails, right.emails),
        "birth order": levels.same(left.birth_order, right.birth_order),
    }


def _shown(name: str, left: Demographics, right: Demographics) -> tuple[str, str]:
    return _SHOWN[name](left), _SHOWN[name](right)


def _homes(person: Demographics, *parts: str) -> str:
    homes = [" ".join(getattr(home, part) for part in parts if getattr(home, part)) for home in person.addresses]
    return "; ".join(home for home in homes if home)


_SHOWN: Mapping[str, Callable[[Demographics], str]] = {
    "family": lambda one: one.family,
    "given": lambda one: " ".join(one.given[:1]),
    "middle": lambda one: " ".join(one.given[1:]),
    "suffix": lambda one: one.suffix,
    "birth date": lambda one: one.birth_date,
    "sex": lambda one: one.sex,
    "phone": lambda one: ", ".join(one.phones),
    "e-mail": lambda one: ", ".join(one.emails),
    "street": lambda one: _homes(one, "line"),
    "place": lambda one: _homes(one, "city", "postal_code"),
    "number": lambda one: ", ".join(f"…{number.value[-4:]}" for number in one.weak),
    "birth order": lambda one: str(one.birth_order or ""),
}
