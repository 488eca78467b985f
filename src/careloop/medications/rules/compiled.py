"""The safety tables of `content/medications` compiled once: sides as bits of one number, conditions as functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from careloop.medications.drugs import Drugs
from careloop.medications.findings import Tier
from careloop.medications.model import Medicine
from careloop.medications.rules.situation import Condition, compile_condition

Row = Mapping[str, Any]
OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRow:
    """A row with its sides as bits and its conditions as functions, by the name that they have in the table."""

    row: Row
    sides: Mapping[str, int] = field(default_factory=dict)
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    cases: tuple[tuple[Condition, Row], ...] = ()
    alternatives: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """The id of the row."""
        return str(self.row["id"])


@dataclass(frozen=True, kw_only=True)
class Safety:
    """All tables. `bits`: ingredient name to its bit. `tiers`: rules whose tier a site has changed, or switched off."""

    drugs: Drugs
    bits: Mapping[str, int]
    interactions: tuple[CompiledRow, ...]
    washouts: tuple[CompiledRow, ...]
    duplicates: tuple[CompiledRow, ...]
    beers: tuple[CompiledRow, ...]
    renal: tuple[CompiledRow, ...]
    stale_after_days: int
    pregnancy: tuple[CompiledRow, ...]
    high_alert: tuple[CompiledRow, ...]
    mme_factors: Mapping[str, str]
    allergies: Row
    allergy_rows: tuple[CompiledRow, ...]
    tiers: Mapping[str, str]
    beta_blockers: int

    def mask(self, medicine: Medicine) -> int:
        """The bits of all ingredients that the tables know."""
        return self.mask_of(one.key for one in medicine.ingredients)

    def mask_of(self, names: Any) -> int:
        """The bits of these ingredients."""
        found = 0
        for name in names:
            found |= self.bits.get(name, 0)
        return found

    def tier(self, rule: str, tier: Tier) -> Tier | None:
        """The tier as the site has set it, None where it has switched the rule off."""
        changed = self.tiers.get(rule)
        return tier if changed is None else None if changed == OFF else Tier(changed)

    def with_tiers(self, tiers: Mapping[str, str]) -> "Safety":
        """The same tables with other tiers, for a preview."""
        return replace(self, tiers=tiers)


def compile_safety(documents: Mapping[str, Row], drugs: Drugs) -> Safety:
    """All tables as one value."""
    names = sorted({one.key for named in drugs.names.values() for one in named.ingredients})
    bits = {name: 1 << place for place, name in enumerate(names)}
    sides = _Sides(bits, drugs.classes)
    rows: dict[str, tuple[CompiledRow, ...]] = {
        name: tuple(_compiled(row, sides) for row in documents[name]["rows"]) for name in _TABLES
    }
    return Safety(
        drugs=drugs,
        bits=bits,
        interactions=rows["interactions"],
        washouts=rows["washouts"],
        duplicates=rows["duplicates"],
        beers=rows["beers"],
        renal=rows["renal"],
        stale_after_days=int(documents["renal"]["stale_after_days"]),
        pregnancy=rows["pregnancy"],
        high_alert=rows["high-alert"],
        mme_factors=documents["high-alert"]["mme_factors"],
        allergies=documents["allergies"],
        allergy_rows=rows["allergies"],
        tiers={one["rule"]: one["tier"] for one in documents.get("tiers", {}).get("changes", ())},
        beta_blockers=sides(["beta_blocker"]),
    )


_TABLES = ("interactions", "washouts", "duplicates", "beers", "renal", "pregnancy", "high-alert", "allergies")


@dataclass(frozen=True)
class _Sides:
    bits: Mapping[str, int]
    classes: Mapping[str, frozenset[str]]

    def __call__(self, value: Any) -> int:
        found = 0
        for one in [value] if isinstance(value, str) else value:
            for each in one.split("|"):
                found |= self._one(each)
        return found

    def _one(self, side: str) -> int:
        found = 0
        for class_id in side.split("+"):
            if class_id.startswith("ingredient:"):
                found |= self.bits.get(class_id.removeprefix("ingredient:").lower(), 0)
            for name in self.classes.get(class_id, ()):
                found |= self.bits[name]
        return found


_SIDES = ("a", "b", "takes", "of", "against", "members", "only_a", "except_b", "class")
_CONDITIONS = ("when", "unless", "allowed", "lower_when", "exempts")


def _compiled(row: Row, sides: _Sides) -> CompiledRow:
    found = {name: sides(row[name]) for name in _SIDES if name in row}
    if "with" in row:
        found |= {"a": sides(row["with"]["a"]), "b": sides(row["with"]["b"])}
    if "count" in row:
        found["count"] = sides(row["count"]["of"])
    conditions = {name: compile_condition(row[name], sides) for name in _CONDITIONS if name in row}
    cases = [
        (compile_condition(one["when"], sides) if "when" in one else _always, one)
        for one in (*row.get("cases", ()), *row.get("steps", ()))
    ]
    for nested in ("stop", "mme"):
        conditions |= {
            f"{nested}.{name}": compile_condition(row[nested][name], sides)
            for name in _CONDITIONS
            if nested in row and name in row[nested]
        }
    cross = tuple((compile_condition({"among": [one["class"]]}, sides), one) for one in row.get("cross", ()))
    return CompiledRow(
        row=row,
        sides=found,
        conditions=conditions,
        cases=(*cases, *cross),
        alternatives=_alternatives(row, sides),
    )


def _always(_: object) -> bool | None:
    return True


def _alternatives(row: Row, sides: _Sides) -> tuple[int, ...]:
    """The classes that a row names, each by itself: two of one class are no pair across classes."""
    named = str(row.get("a") or row.get("class") or "")
    within: Sequence[str] = row.get("within", ())
    return tuple(sides([one]) for one in (within or named.replace("+", "|").split("|")))
