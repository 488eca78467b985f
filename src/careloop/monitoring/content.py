"""Content of home readings as values (`content/monitoring`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from typing import Any

from careloop.catalog import Catalog
from careloop.monitoring.model import Tier

_SIDES = ("at_least", "above", "at_most", "below")
_NUMBERS = (*_SIDES, "pounds", "percent", "by")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is measured: its codes, its unit, what no body can have (MO-03)."""

    id: str
    name: str
    plain: str
    main: str
    codes: frozenset[str]
    fasting: frozenset[str]
    unit: str
    shown: str
    decimals: int
    molar_mass: Decimal | None
    least: Decimal
    most: Decimal
    jump: tuple[Decimal, int] | None
    days: int


@dataclass(frozen=True, kw_only=True)
class Test:
    """One test of a row: its kind, its numbers, its other words."""

    __test__ = False
    kind: str
    numbers: Mapping[str, Decimal]
    words: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One limit. `confirm`: minutes for a repeat, and what it is when the repeat is better (None: nothing)."""

    id: str
    alert: str
    metric: str
    condition: str
    tier: Tier
    tests: tuple[Test, ...]
    confirm: tuple[int, Tier | None] | None
    tier_for: Mapping[str, Tier]
    after_discharge: Mapping[str, Decimal]
    adjust: str
    says: str
    rule: str
    reviewed: str
    mark: str
    threshold: str

    @property
    def number(self) -> Decimal | None:
        """The number that a clinician may set."""
        if not self.adjust:
            return None
        test = self.tests[0]
        return test.numbers.get(self.adjust) or Decimal(test.words[self.adjust])


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Times and shares (content/monitoring/windows.yaml)."""

    clock_minutes: int
    late_hours: int
    never_after_hours: int
    duplicate_seconds: int
    morning_ends: time
    quiet_hours: int
    worse_percent: Decimal
    normal_readings: int
    after_discharge_days: int
    symptom_hours: int
    kg_per_lb: Decimal


@dataclass(frozen=True, kw_only=True)
class Programme:
    """A condition for which readings are watched."""

    id: str
    name: str
    metrics: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Action:
    """What can end an alert (MO-10)."""

    id: str
    says: str
    acts: bool
    spoken: bool
    takes: bool
    asks: str


@dataclass(frozen=True, kw_only=True)
class Language:
    """Words of check-ins by the English ones. `reviewed`: who read the translation; empty while nobody has."""

    code: str
    interpreter: str
    words: Mapping[str, str]
    reviewed: str


@dataclass(frozen=True, kw_only=True)
class Monitoring:
    """All of it. `rows` by metric; `any_rows` are those of no single metric, by kind of test."""

    metrics: Mapping[str, Metric]
    rows: Mapping[str, tuple[Row, ...]]
    any_rows: Mapping[str, Row]
    windows: Windows
    programmes: Mapping[str, Programme]
    actions: Mapping[str, Action]
    first_steps: Mapping[str, tuple[str, ...]]
    devices: Mapping[str, Any]
    check_ins: Mapping[str, Any]
    languages: Mapping[str, Language]
    names: Mapping[str, str]
    by_code: Mapping[str, tuple[str, bool]] = field(default_factory=dict)
    """Metric and whether fasting, by `system|code`."""

    @property
    def all_rows(self) -> tuple[Row, ...]:
        """Every row, in the order of the file."""
        return (*(row for rows in self.rows.values() for row in rows), *self.any_rows.values())

    def row(self, row_id: str) -> Row | None:
        """One row by its id."""
        return next((row for row in self.all_rows if row.id == row_id), None)


_READ: "dict[int, tuple[Catalog, Monitoring]]" = {}


def monitoring_of(catalog: Catalog) -> Monitoring:
    """The catalog's content of home readings; read once for each catalog."""
    known = _READ.get(id(catalog))
    if known is None or known[0] is not catalog:
        known = (catalog, read(catalog.documents("monitoring")))
        _READ[id(catalog)] = known
        if len(_READ) > _MOST:
            del _READ[next(iter(_READ))]
    return known[1]


_MOST = 64


def read(documents: Mapping[str, Mapping[str, Any]]) -> Monitoring:
    """The values of checked documents."""
    metrics = {one["id"]: _metric(one) for one in documents["metrics"]["metrics"]}
    rows = [_row(one) for one in documents["thresholds"]["rows"]]
    of_metric = {name: tuple(row for row in rows if row.metric == name) for name in metrics}
    others = {row.tests[0].kind: row for row in rows if row.metric not in metrics}
    return Monitoring(
        metrics=metrics,
        rows=of_metric,
        any_rows=others,
        windows=_windows(documents["windows"]),
        programmes={one["id"]: _programme(one) for one in documents["programmes"]["programmes"]},
        actions={one["id"]: _action(one) for one in documents["actions"]["actions"]},
        first_steps={name: tuple(steps) for name, steps in documents["actions"]["first_steps"].items()},
        devices=documents["devices"],
        check_ins=documents["check-ins"],
        languages={one["language"]: _language(one) for one in documents.values() if "language" in one},
        names=documents["thresholds"]["names"],
        by_code={
            code: (metric.id, code in metric.fasting)
            for metric in metrics.values()
            for code in (*metric.codes, *metric.fasting)
        },
    )


def _language(one: Mapping[str, Any]) -> Language:
    return Language(
        code=one["language"], interpreter=one["interpreter"], words=one["words"], reviewed=_reviewed(one["reviewed"])
    )


def _reviewed(reviewed: Mapping[str, Any] | None) -> str:
    return "" if reviewed is None else f"{reviewed['role']}, {reviewed['date']}"


def _metric(one: Mapping[str, Any]) -> Metric:
    codes = [f"http://loinc.org|{code}" for code in one.get("loinc", ())] + list(one.get("codes", ()))
    jump = one.get("jump")
    return Metric(
        id=one["id"],
        name=one["name"],
        plain=one["plain"],
        main=codes[0],
        codes=frozenset(codes),
        fasting=frozenset(f"http://loinc.org|{code}" for code in one.get("fasting", ())),
        unit=one["unit"],
        shown=one["shown"],
        decimals=one["decimals"],
        molar_mass=Decimal(one["molar_mass"]) if "molar_mass" in one else None,
        least=Decimal(one["hard"]["least"]),
        most=Decimal(one["hard"]["most"]),
        jump=(Decimal(jump["more_than"]), int(jump["days"])) if jump else None,
        days=one["days"],
    )


def _row(one: Mapping[str, Any]) -> Row:
    confirm = one.get("confirm")
    otherwise = None if confirm is None or confirm["otherwise"] == "none" else Tier(confirm["otherwise"])
    domain = one.get("domain", {})
    return Row(
        id=one["id"],
        alert=one["alert"],
        metric=one["metric"],
        condition=one["for"],
        tier=Tier(one["tier"]),
        tests=tuple(_test(test) for test in one["any_of"]),
        confirm=(int(confirm["minutes"]), otherwise) if confirm else None,
        tier_for={name: Tier(tier) for name, tier in one.get("tier_for", {}).items()},
        after_discharge={name: Decimal(number) for name, number in one.get("after_discharge", {}).items()},
        adjust=one.get("adjust", ""),
        says=one["says"],
        rule=one["rule"],
        reviewed=_reviewed(one["reviewed"]),
        mark=domain.get("mark", "P"),
        threshold=domain.get("threshold", ""),
    )


def _test(one: Mapping[str, Any]) -> Test:
    return Test(
        kind=one["kind"],
        numbers={name: Decimal(one[name]) for name in _NUMBERS if name in one},
        words={name: value for name, value in one.items() if name not in (*_NUMBERS, "kind")},
    )


def _windows(one: Mapping[str, Any]) -> Windows:
    return Windows(
        clock_minutes=one["clock_minutes"],
        late_hours=one["late_hours"],
        never_after_hours=one["never_after_hours"],
        duplicate_seconds=one["duplicate_seconds"],
        morning_ends=time.fromisoformat(one["morning_ends"]),
        quiet_hours=one["quiet_hours"],
        worse_percent=Decimal(one["worse_percent"]),
        normal_readings=one["normal_readings"],
        after_discharge_days=one["after_discharge_days"],
        symptom_hours=one["symptom_hours"],
        kg_per_lb=Decimal(one["kg_per_lb"]),
    )


def _programme(one: Mapping[str, Any]) -> Programme:
    return Programme(
        id=one["id"],
        name=one["name"],
        metrics=tuple(one["metrics"]),
        problems=tuple(str(code) for code in one["problems"]),
    )


def _action(one: Mapping[str, Any]) -> Action:
    return Action(
        id=one["id"],
        says=one["says"],
        acts=one["acts"],
        spoken=one["spoken"],
        takes=one.get("takes", False),
        asks=one.get("asks", ""),
    )
