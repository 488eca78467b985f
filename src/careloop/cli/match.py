"""`careloop match train|batch|lines`: the weights of likeness, duplicates in the whole record, a tenant's own lines."""

import argparse
import time
from dataclasses import asdict
from pathlib import Path

from careloop.access.tenancy import settings_of as choices_of
from careloop.cli.options import add_command, add_common, add_tenant, app_of, report, tenant_of
from careloop.flows import match_training, matching, tenants

_LINES = ("match_review_points", "match_join", "match_join_points")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands are known to the parser."""
    group = add_command(
        commands,
        "match",
        says="who is who: train the weights, find duplicates in the whole record, set a tenant's lines",
        example="careloop match batch --tenant riverbend",
        run=None,
    ).add_subparsers(metavar="train|batch|lines", required=True)
    train = group.add_parser("train", help="weights from the record itself, without anybody's answer")
    train.add_argument("--out", type=Path, required=True, metavar="F", help="the new weights.yaml")
    train.add_argument("--people", type=Path, metavar="F", help="NDJSON of Patients instead of the record")
    train.set_defaults(run=_train)
    batch = group.add_parser("batch", help="likely duplicates of the whole record into the review queue")
    batch.set_defaults(run=_batch)
    lines = group.add_parser("lines", help="show or set from where on a person is asked, and what is joined without")
    lines.add_argument("--review", type=int, metavar="N", help="from so many points on a person is asked")
    lines.add_argument("--join", choices=("off", "certain"), help="join certain pairs without a person (off)")
    lines.add_argument("--join-points", type=int, metavar="N", help="from so many points on, where joining is wanted")
    lines.set_defaults(run=_lines)
    for parser in (train, batch, lines):
        add_tenant(parser)
        add_common(parser)


def _train(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        if arguments.people is not None:
            trained = match_training.train_on_file(app, arguments.people)
        else:
            trained = match_training.train_on_record(app, tenant_of(app, arguments))
    arguments.out.write_text(trained.text, encoding="utf-8")
    facts = {"people": trained.people, "changed": list(trained.changes), "out": str(arguments.out)}
    report(arguments, facts, [*trained.changes, f"{trained.people} people; weights written to {arguments.out}"])
    return 0


def _batch(arguments: argparse.Namespace) -> int:
    with app_of(arguments) as app:
        started = time.perf_counter()
        found = matching.batch(app, tenant_of(app, arguments))
        seconds = round(time.perf_counter() - started, 1)
    told = f"{found.people} people compared in {seconds} s: {found.found} pairs found, {found.likely} likely,"
    report(arguments, {**asdict(found), "seconds": seconds}, [f"{told} {found.asked} new in the review queue"])
    return 0


def _lines(arguments: argparse.Namespace) -> int:
    given = (arguments.review, arguments.join, arguments.join_points)
    changes = {name: value for name, value in zip(_LINES, given, strict=True) if value is not None}
    with app_of(arguments) as app:
        tenant = tenant_of(app, arguments)
        if changes:
            tenant = tenants.change_settings(app, tenant.slug, changes)
    chosen = asdict(choices_of(tenant))
    shown = {name: chosen[name] for name in _LINES}
    report(arguments, {"tenant": tenant.slug, **shown}, [f"{name:22} {value}" for name, value in shown.items()])
    return 0
