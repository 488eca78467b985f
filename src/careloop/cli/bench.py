"""`careloop bench NAME`: the project's own measurements."""

import argparse
import sys
from pathlib import Path

from careloop.bench import (
    clinical,
    feeding,
    fhir,
    home_readings,
    importing,
    matching,
    medicines,
    rehearsing,
    simulation,
    worklists,
)
from careloop.bench.figures import Figures
from careloop.cli.options import add_command, add_common, report


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `bench`."""
    group = add_command(
        commands,
        "bench",
        says="measure speed and size, each with a limit measured in the same run",
        example="careloop bench feed --sizes 10000,100000",
        run=None,
    ).add_subparsers(
        metavar="import|fhir|feed|worklist|match|medicines|rehearse|simulate|monitoring|clinical", required=True
    )
    first = group.add_parser("import", help="FHIR bundles into the record")
    first.add_argument("--data", type=Path, default=Path("../shared/data/synthea-r4-617"), help="folder of bundles")
    first.add_argument("--bundles", default="100,617", help="how many, each number a run (100,617)")
    first.set_defaults(measure=lambda one: importing.run(one.data, _sizes(one.bundles), _command()))
    second = group.add_parser("feed", help="ADT messages to committed loops")
    second.add_argument("--sizes", default="10000,100000", help="numbers of patients that are there already")
    second.add_argument("--seconds", type=int, default=30, help="how long messages are sent")
    second.add_argument("--pace", type=int, default=160, help="messages a second")
    second.set_defaults(
        measure=lambda one: feeding.run(_sizes(one.sizes), one.seconds, one.pace, _command(), one.data_dir)
    )
    third = group.add_parser("worklist", help="lists, pages and sweeps among very many loops")
    third.add_argument("--patients", type=int, default=20_000)
    third.add_argument("--loops", type=int, default=50_000, help="in all, most of them closed")
    third.add_argument("--open", type=int, default=10_000, help="loops that are open")
    third.add_argument("--owners", type=int, default=100)
    third.add_argument("--sweep", type=int, default=500, help="due loops that one sweep looks at")
    third.set_defaults(measure=_worklist)
    fourth = group.add_parser("fhir", help="reads, changes, searches and charts over HTTP")
    fourth.add_argument("--data", type=Path, default=Path("../shared/data/synthea-r4-617"), help="folder of bundles")
    fourth.add_argument("--bundles", default="61,610", help="numbers of patients, side by side (61,610)")
    fourth.add_argument("--each", type=int, default=96, help="requests of each search class in a round")
    fourth.add_argument("--rounds", type=int, default=15, help="waves of each class, the sizes in turn")
    fourth.set_defaults(measure=lambda one: fhir.run(one.data, _sizes(one.bundles), one.each, one.rounds, _command()))
    people = group.add_parser("match", help="who may this be: a lookup at arrival, and the whole record in a batch")
    people.add_argument("--sizes", default="10000,100000", help="numbers of people that are there already")
    people.set_defaults(measure=lambda one: matching.run(_sizes(one.sizes), _command()))
    drugs = group.add_parser("medicines", help="the safety check of a list of medicines")
    drugs.add_argument("--sizes", default="5,20,40", help="medicines on a list")
    drugs.set_defaults(measure=lambda one: medicines.run(_sizes(one.sizes), _command()))
    trial = group.add_parser("rehearse", help="a draft of a pathway on the last days")
    trial.add_argument("--patients", type=int, default=10_000)
    trial.add_argument("--days", type=int, default=30)
    trial.set_defaults(measure=lambda one: rehearsing.run(one.patients, one.days, _command()))
    life = group.add_parser("simulate", help="days of made-up care over every pathway: is everything still true?")
    life.add_argument("--patients", type=int, default=500)
    life.add_argument("--days", type=int, default=30)
    life.add_argument("--seed", type=int, default=1)
    life.add_argument("--whole-every", type=int, default=10, help="days after which all of the record is looked at")
    life.add_argument("--busy", type=float, default=1.0, help="times as much happens as usual, for small runs")
    life.set_defaults(measure=_simulate)
    home = group.add_parser("monitoring", help="readings from home into the record and through the rules")
    home.add_argument("--patients", type=int, default=500)
    home.add_argument("--days", type=int, default=5, help="new days of two Observations for each")
    home.set_defaults(measure=lambda one: home_readings.run(one.patients, one.days, _command()))
    core = group.add_parser("clinical", help="assessment page, plan merge, medicine check, readings from home")
    core.add_argument("--patients", type=int, default=200, help="people who measure at home")
    core.add_argument("--days", type=int, default=3, help="new days of two Observations for each")
    core.set_defaults(measure=lambda one: clinical.run(one.patients, one.days, _command()))
    for parser in (core, home, life, trial, drugs, people, first, second, third, fourth):
        add_common(parser)
        parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when every aim was met, 1 when some was not."""
    figures: Figures = arguments.measure(arguments)
    report(arguments, figures.facts(), figures.lines())
    return 1 if any(one.met is False for one in figures.figures) else 0


def _worklist(one: argparse.Namespace) -> Figures:
    size = worklists.Size(patients=one.patients, loops=one.loops, open=one.open, owners=one.owners, sweep=one.sweep)
    return worklists.run(size, _command(), one.data_dir)


def _simulate(one: argparse.Namespace) -> Figures:
    asked = simulation.Asked(
        patients=one.patients,
        days=one.days,
        seed=one.seed,
        busy=one.busy,
        whole_every=one.whole_every,
        keep=one.data_dir,
    )
    return simulation.run(asked, _command())


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _command() -> str:
    return " ".join(["careloop", *sys.argv[1:]])
