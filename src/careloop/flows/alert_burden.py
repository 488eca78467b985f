"""Alert burden: how often each safety rule fires, is overridden, leads to a change; what another tier would do."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from careloop.access.model import Principal, Tenant
from careloop.access.policy import Action, require_action
from careloop.errors import Rejected
from careloop.flows import engine, medicine_safety
from careloop.flows.app import App
from careloop.flows.people import zone_of
from careloop.medications import store
from careloop.medications.findings import Tier
from careloop.medications.safety_content import OFF, Safety, safety_of

_CHUNK = 50
TIERS = (*(one.value for one in Tier), OFF)


@dataclass(frozen=True, kw_only=True)
class RuleBurden:
    """One rule at one tier, counted over the practice."""

    rule: str
    tier: str
    fired: int
    overridden: int
    acted: int
    open: int
    per_100_medicines: float


@dataclass(frozen=True, kw_only=True)
class Burden:
    """All rules, the loudest first; `medicines` are those that are taken."""

    patients: int
    medicines: int
    not_checked: int
    rules: tuple[RuleBurden, ...]

    @property
    def interrupting_per_100(self) -> float:
        """Findings that interrupt (contraindicated or major), in 100 medicines."""
        loud = sum(one.fired for one in self.rules if one.tier in ("contraindicated", "major"))
        return _per_100(loud, self.medicines)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would change with other tiers: findings by tier now and then, and patients who were looked at."""

    patients: int
    medicines: int
    before: Mapping[str, int]
    after: Mapping[str, int]


def report(app: App, principal: Principal, tenant: Tenant) -> Burden:
    """What the rules did over the whole practice since they were first asked."""
    require_action(principal, Action.WORKLIST_READ)
    with app.database.transaction(tenant.id, actor=principal.reference) as tx:
        rows, whole = store.burden(tx), store.checked_in_all(tx)
    medicines = int(whole["medicines"])
    rules = [RuleBurden(**row, per_100_medicines=_per_100(int(row["fired"]), medicines)) for row in rows]
    return Burden(
        patients=int(whole["patients"]),
        medicines=medicines,
        not_checked=int(whole["not_checked"]),
        rules=tuple(sorted(rules, key=lambda one: (-one.fired, one.rule, one.tier))),
    )


def preview(app: App, principal: Principal, tenant: Tenant, tiers: Mapping[str, str]) -> Preview:
    """The record as it is, checked with the tiers that hold and with these; nothing is written."""
    require_action(principal, Action.WORKLIST_READ)
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    patients, medicines, last = 0, 0, ""
    while True:
        with app.database.transaction(tenant.id, actor=principal.reference) as tx:
            some = store.checked_patients(tx, last, _CHUNK)
            holds = safety_of(engine.catalog_for(app, tx))
            tried = holds.with_tiers({**holds.tiers, **_known(tiers, holds)})
            charts = medicine_safety.charts_of(app, tx, some) if some else {}
            today = app.clock.now().astimezone(zone_of(tx)).date()
        for chart in charts.values():
            now, then = chart.check(holds, today), chart.check(tried, today)
            before.update(one.tier.value for one in now.findings)
            after.update(one.tier.value for one in then.findings)
            medicines += now.checked
        patients += len(charts)
        if len(some) < _CHUNK:
            return Preview(patients=patients, medicines=medicines, before=dict(before), after=dict(after))
        last = some[-1]


def tiers_of(document: Mapping[str, object]) -> dict[str, str]:
    """The changes of a `tiers` file; `Rejected` where it is none."""
    changes = document.get("changes")
    if not isinstance(changes, list):
        raise Rejected(at="changes", expected="a list of rule and tier")
    return {str(one["rule"]): str(one["tier"]) for one in changes if isinstance(one, dict)}


def _known(tiers: Mapping[str, str], safety: Safety) -> Mapping[str, str]:
    every = (safety.interactions, safety.duplicates, safety.beers, safety.renal, safety.pregnancy, safety.high_alert,
             safety.allergy_rows)  # fmt: skip
    rules = {row.id for rows in every for row in rows} | {str(safety.allergies["ingredient"]["id"])}
    for rule, tier in tiers.items():
        if rule not in rules:
            raise Rejected(at=f"changes: {rule}", expected="the id of a rule of content/medications", code="not-found")
        if tier not in TIERS:
            raise Rejected(at=f"changes: {rule}", expected=f"one of {', '.join(TIERS)}")
    return tiers


def _per_100(count: int, medicines: int) -> float:
    return round(100 * count / medicines, 2) if medicines else 0.0
