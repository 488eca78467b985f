"""`content/folding` and `content/contradictions` as values: read once, when a process first needs them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.catalog import Catalog
from careloop.fhir.fhirpath import Expression, compile_expression
from careloop.longitudinal.model import Severity

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that two facts must have in common: what to take (`code`, `day`, ...) and from where."""

    take: str
    paths: tuple[str, ...] = ()
    words: bool = False


@dataclass(frozen=True, kw_only=True)
class Stale:
    """Facts with one of these codes (all, when there are none) are old news after so many months."""

    months: int
    says: str
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class FoldingRule:
    """When two facts of these types are one matter: all parts of one line of `same` meet, and nothing in `apart` is
    stated differently by both. `dated` and `newest`: where their date stands."""

    types: tuple[str, ...]
    same: tuple[tuple[Part, ...], ...]
    apart: tuple[Part, ...] = ()
    dated: tuple[str, ...] = ()
    stale: tuple[Stale, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Folding:
    """All rules by type. `equivalents`: code to the one code that stands for all of its meaning. `left_out`: words
    that say nothing about which medicine it is."""

    rules: Mapping[str, FoldingRule]
    equivalents: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class SideRule:
    """Which facts stand on one side, and how to say what they say."""

    types: tuple[str, ...]
    where: Expression
    words: str


@dataclass(frozen=True, kw_only=True)
class ContradictionRule:
    """One kind of contradiction. `per`: `patient` (one for the person), `matter` or `pair`. The other fields are tests
    that both sides must pass together; those that are None are not asked."""

    id: str
    title: str
    severity: Severity
    owner: str
    due_hours: int
    ask: str
    left: SideRule
    right: SideRule
    per: str
    mirrored: bool
    same: str | None = None
    differs: Expression | None = None
    other_source: bool = False
    newest_of_source: bool = False
    later_hours: int | None = None
    left_time: tuple[str, ...] = ()
    right_time: tuple[str, ...] = ()
    overlap_hours: int | None = None
    jump_percent: int | None = None
    jump_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class Longitudinal:
    """The content of this area."""

    folding: Folding
    contradictions: Mapping[str, ContradictionRule]

    @property
    def types(self) -> frozenset[str]:
        """Types that any rule of a contradiction asks about."""
        rules = self.contradictions.values()
        return frozenset(kind for rule in rules for kind in (*rule.left.types, *rule.right.types))


_READ: dict[int, Longitudinal] = {}


def longitudinal_of(catalog: Catalog) -> Longitudinal:
    """What this catalog says, interpreted once."""
    known = _READ.get(id(catalog))
    if known is None:
        known = _READ[id(catalog)] = Longitudinal(
            folding=read_folding(catalog.documents("folding").values()),
            contradictions=read_contradictions(catalog.documents("contradictions").values()),
        )
    return known


def read_folding(documents: Sequence[Document] | Any) -> Folding:
    """The active folding rules, equivalents and words."""
    rules: dict[str, FoldingRule] = {}
    equivalents: dict[str, str] = {}
    left_out: set[str] = set()
    for document in documents:
        if document["status"] != "active":
            continue
        for line in document.get("equivalents", ()):
            equivalents |= dict.fromkeys(line["codes"], line["codes"][0])
        left_out |= set(document.get("words_left_out", ()))
        if "types" in document:
            rule = _folding_rule(document)
            rules |= dict.fromkeys(rule.types, rule)
    return Folding(rules=rules, equivalents=equivalents, left_out=frozenset(left_out))


def _folding_rule(document: Document) -> FoldingRule:
    return FoldingRule(
        types=tuple(document["types"]),
        same=tuple(tuple(_part(one) for one in line) for line in document["same"]),
        apart=tuple(_part(one) for one in document.get("apart", ())),
        dated=tuple(document["dated"]),
        stale=tuple(
            Stale(months=one["months"], says=one["says"], codes=frozenset(one.get("codes", ())))
            for one in document.get("stale", ())
        ),
    )


def _part(one: Document) -> Part:
    return Part(take=one["take"], paths=tuple(one.get("from", ())), words=one.get("words", False))


def read_contradictions(documents: Sequence[Document] | Any) -> dict[str, ContradictionRule]:
    """The active rules by id. `Rejected` where an expression cannot be read."""
    return {one["id"]: _contradiction(one) for one in documents if one["status"] == "active"}


def _contradiction(one: Document) -> ContradictionRule:
    test = one.get("together", {})
    later, jump = test.get("later", {}), test.get("jump", {})
    left = _side(one["left"])
    return ContradictionRule(
        id=one["id"],
        title=one["title"],
        severity=Severity(one["severity"]),
        owner=one["owner"],
        due_hours=one["due_hours"],
        ask=one["ask"],
        left=left,
        right=_side(one["right"]) if "right" in one else left,
        per=one["per"],
        mirrored="right" not in one,
        same=test.get("same"),
        differs=compile_expression(test["differs"]) if "differs" in test else None,
        other_source=test.get("other_source", False),
        newest_of_source=test.get("newest_of_source", False),
        later_hours=later.get("hours"),
        left_time=tuple(later.get("left", ())),
        right_time=tuple(later.get("right", ())),
        overlap_hours=test.get("overlap_hours"),
        jump_percent=jump.get("percent"),
        jump_days=jump.get("days"),
    )


def _side(one: Document) -> SideRule:
    return SideRule(types=tuple(one["types"]), where=compile_expression(one["where"]), words=one["words"])
