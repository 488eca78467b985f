"""The weights of likeness as content says them: what each level of agreement is worth, and which values say nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import log2
from typing import Any

from careloop.identity.rules.folding import fold_name

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level of agreement of a field: how often it is seen in one person's records (`m`) and in two people's (`u`).

    `by_name`: the commoner the name, the less its agreement says; `u` holds for a name that no table lists.
    """

    name: str
    says: str
    m: float
    u: float
    by_name: bool = False

    @property
    def points(self) -> Decimal:
        """log2 of the odds, to a hundredth."""
        return rounded(log2(self.m / self.u))


@dataclass(frozen=True, kw_only=True)
class Lines:
    """From so many points on a pair is graded so: `possible` is told to who asks, `review` goes to a person, `certain`
    may be joined where a tenant allows it and no rule speaks against it."""

    possible: Decimal
    review: Decimal
    certain: Decimal


@dataclass(frozen=True, kw_only=True)
class Weights:
    """All that a comparison needs from content. `common` is how many of 100,000 people have a name, by field."""

    version: str
    lines: Lines
    levels: Mapping[str, Mapping[str, Level]]
    common: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    nicknames: Mapping[str, frozenset[str]] = field(default_factory=dict)
    empty_names: frozenset[str] = frozenset()
    empty_dates: frozenset[str] = frozenset()
    empty_numbers: frozenset[str] = frozenset()
    empty_phones: frozenset[str] = frozenset()
    empty_emails: frozenset[str] = frozenset()
    empty_places: frozenset[str] = frozenset()

    def points(self, field_name: str, level: str, value: str = "") -> Decimal:
        """What this level says, for the name `value` where agreement depends on how common a name is."""
        found = self.levels[field_name].get(level)
        if found is None:
            return Decimal(0)
        share = self.common.get(field_name, {}).get(value) if found.by_name and value else None
        return found.points if share is None else rounded(log2(found.m / max(share / 100_000, found.u)))

    def says(self, field_name: str, level: str) -> str:
        """The level in plain words."""
        found = self.levels[field_name].get(level)
        return found.says if found else level


def rounded(points: float) -> Decimal:
    """Points to a hundredth, never a negative nothing."""
    return Decimal(str(round(points, 2) + 0.0))


def read_weights(documents: Mapping[str, Document]) -> Weights:
    """The weights of the documents `weights`, `names` and `placeholders` of `content/matching`, which were checked."""
    weights, names, empty = (documents[name] for name in ("weights", "names", "placeholders"))
    lines = Lines(**{name: Decimal(str(value)) for name, value in weights["lines"].items()})
    return Weights(
        version=weights["version"],
        lines=lines,
        levels={name: {one["level"]: _level(one) for one in levels} for name, levels in weights["fields"].items()},
        common={name: {fold_name(one): float(share) for one, share in some.items()}
                for name, some in names["common"].items()},
        nicknames=_nicknames(names["nicknames"]),
        empty_names=frozenset(fold_name(one) for one in empty["names"]),
        empty_dates=frozenset(empty["dates"]),
        empty_numbers=frozenset(empty["numbers"]),
        empty_phones=frozenset(empty["phones"]),
        empty_emails=frozenset(empty["emails"]),
        empty_places=frozenset(empty["places"]),
    )  # fmt: skip


def _level(one: Document) -> Level:
    return Level(name=one["level"], says=one["says"], m=one["m"], u=one["u"], by_name=one.get("by_name", False))


def _nicknames(groups: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """For each name the full names that it may stand for, itself too where it is one."""
    found: dict[str, set[str]] = {}
    for full, short in groups.items():
        for one in (full, *short):
            found.setdefault(fold_name(one), set()).add(fold_name(full))
    return {name: frozenset(full) for name, full in found.items()}
