"""`careloop medicines burden|catch-up`: what safety rules did, what other tiers would do; checks that are behind."""

import argparse
from dataclasses import asdict
from pathlib import Path

from careloop.access.model import Tenant, system_principal
from careloop.catalog import read_yaml
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, say
from careloop.flows import alert_burden, medicine_safety
from careloop.flows.app import App

DONE, WRONG = 0, 2
_SHOWN = 30


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `medicines`."""
    group = add_command(
        commands,
        "medicines",
        says="safety of medicines: alerts by rule, a preview of other tiers, checks that are behind",
        example="careloop medicines burden --tiers site-content/medications/tiers.yaml",
        run=None,
    ).add_subparsers(metavar="burden|catch-up", required=True)
    burden = group.add_parser("burden", help="by rule: fired, overridden, led to a change, in 100 medicines")
    burden.add_argument(
        "--tiers", type=Path, metavar="FILE", help="a tiers file: what it would change, written nowhere"
    )
    burden.set_defaults(run=run_burden)
    behind = group.add_parser("catch-up", help="check everybody whose medicines changed, now")
    behind.set_defaults(run=run_catch_up)
    for parser in (burden, behind):
        add_common(parser)
        add_tenant(parser)


def run_burden(arguments: argparse.Namespace) -> int:
    """0 with the report; 2 for a file that is no tiers file."""
    with app_of(arguments) as app:
        tenant = _tenant(app, arguments)
        who = system_principal(tenant.id, "burden")
        found = alert_burden.report(app, who, tenant)
        facts = {**asdict(found), "interrupting_per_100": found.interrupting_per_100}
        lines = [
            f"{found.medicines} medicines of {found.patients} patients, {found.not_checked} items not checked, "
            f"{found.interrupting_per_100} interrupting findings in 100 medicines",
            *(_line(one) for one in found.rules[:_SHOWN]),
        ]
        if arguments.tiers is not None:
            try:
                document = read_yaml(arguments.tiers.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                say(f"{arguments.tiers}: expected a tiers file in YAML")
                return WRONG
            seen = alert_burden.preview(app, who, tenant, alert_burden.tiers_of(document))
            facts["preview"] = asdict(seen)
            tiers = sorted({*seen.before, *seen.after})
            lines += ["", f"with {arguments.tiers} over {seen.medicines} medicines of {seen.patients} patients:"]
            lines += [f"  {tier}: {seen.before.get(tier, 0)} now, {seen.after.get(tier, 0)} then" for tier in tiers]
    report(arguments, facts, lines)
    return DONE


def run_catch_up(arguments: argparse.Namespace) -> int:
    """0 when everybody whose medicines changed was checked."""
    with app_of(arguments) as app:
        tenant = _tenant(app, arguments)
        looked = medicine_safety.catch_up(app, tenant, lambda count: say(f"{count} patients looked at"))
    report(arguments, {"patients": looked}, [f"{looked} patients looked at"])
    return DONE


def _tenant(app: App, arguments: argparse.Namespace) -> Tenant:
    tenants = app.tenants()
    return app.tenant(arguments.tenant) if arguments.tenant or len(tenants) != 1 else tenants[0]


def _line(one: alert_burden.RuleBurden) -> str:
    return (
        f"{one.rule:8} {one.tier:16} fired {one.fired:6}  overridden {one.overridden:6}  led to a change {one.acted:6}"
        f"  open {one.open:6}  {one.per_100_medicines:7} in 100"
    )
