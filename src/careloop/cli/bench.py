"""`careloop bench NAME`: the project's own measurements."""

import argparse
import sys
from collections.abc import Callable, Mapping
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
    ).add_subparsers(metavar="|".join(_PARTS), required=True)
    for name, (says, add) in _PARTS.items():
        parser = group.add_parser(name, help=says)
        add(parser)
        add_common(parser)
        parser.set_defaults(run=run)


def _of_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=_BUNDLES, help="folder of bundles")
    parser.add_argument("--bundles", default="100,617", help="how many, each number a run (100,617)")
    parser.set_defaults(measure=lambda one: importing.run(one.data, _sizes(one.bundles), _command()))


def _of_fhir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=_BUNDLES, help="folder of bundles")
    parser.add_argument("--bundles", default="61,610", help="numbers of patients, side by side (61,610)")
    parser.add_argument("--each", type=int, default=96, help="requests of each search class in a round")
    parser.add_argument("--rounds", type=int, default=15, help="waves of each class, the sizes in turn")
    parser.set_defaults(measure=lambda one: fhir.run(one.data, _sizes(one.bundles), one.each, one.rounds, _command()))


def _of_feed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", default="10000,100000", help="numbers of patients that are there already")
    parser.add_argument("--seconds", type=int, default=30, help="how long messages are sent")
    parser.add_argument("--pace", type=int, default=160, help="messages a second")
    parser.add_argument(
        "--beside",
        type=Path,
        metavar="D",
        help="a smaller practice that is kept: the one of --data-dir is compared with it",
    )
    parser.set_defaults(
        measure=lambda one: feeding.run(
            _sizes(one.sizes), one.seconds, one.pace, _command(), [kept for kept in (one.beside, one.data_dir) if kept]
        )
    )


def _of_worklist(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--loops", type=int, default=50_000, help="in all, most of them closed")
    parser.add_argument("--open", type=int, default=10_000, help="loops that are open")
    parser.add_argument("--owners", type=int, default=100)
    parser.add_argument("--sweep", type=int, default=500, help="due loops that one sweep looks at")
    parser.set_defaults(measure=_worklist)


def _of_match(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", default="10000,100000", help="numbers of people that are there already")
    parser.set_defaults(measure=lambda one: matching.run(_sizes(one.sizes), _command()))


def _of_medicines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", default="5,20,40", help="medicines on a list")
    parser.set_defaults(measure=lambda one: medicines.run(_sizes(one.sizes), _command()))


def _of_rehearse(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    parser.set_defaults(measure=lambda one: rehearsing.run(one.patients, one.days, _command()))


def _of_simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--whole-every", type=int, default=10, help="days after which all of the record is looked at")
    parser.add_argument("--busy", type=float, default=1.0, help="times as much happens as usual, for small runs")
    parser.set_defaults(measure=_simulate)


def _of_monitoring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", type=int, default=500)
    parser.add_argument("--days", type=int, default=5, help="new days of two Observations for each")
    parser.set_defaults(measure=lambda one: home_readings.run(one.patients, one.days, _command()))


def _of_clinical(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--patients", type=int, default=200, help="people who measure at home")
    parser.add_argument("--days", type=int, default=3, help="new days of two Observations for each")
    parser.set_defaults(measure=lambda one: clinical.run(one.patients, one.days, _command()))


_BUNDLES = Path("../shared/data/synthea-r4-617")
_PARTS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "import": ("FHIR bundles into the record", _of_import),
    "fhir": ("reads, changes, searches and charts over HTTP", _of_fhir),
    "feed": ("ADT messages to committed loops", _of_feed),
    "worklist": ("lists, pages and sweeps among very many loops", _of_worklist),
    "match": ("who may this be: a lookup at arrival, and the whole record in a batch", _of_match),
    "medicines": ("the safety check of a list of medicines", _of_medicines),
    "rehearse": ("a draft of a pathway on the last days", _of_rehearse),
    "simulate": ("days of made-up care over every pathway: is everything still true?", _of_simulate),
    "monitoring": ("readings from home into the record and through the rules", _of_monitoring),
    "clinical": ("assessment page, plan merge, medicine check, readings from home", _of_clinical),
}


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
    return [int(part) for part in text.split(",") if part]


def _command() -> str:
    return " ".join(["careloop", *sys.argv[1:]])
