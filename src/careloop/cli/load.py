"""`careloop load PATH...`: bundles, NDJSON, HL7 v2, folders, archives; each by the path of a live feed."""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from careloop.access.model import Tenant, system_principal
from careloop.cli.options import add_command, add_tenant, app_of, report, tenant_of
from careloop.cli.progress import Progress
from careloop.errors import Rejected
from careloop.flows.app import App
from careloop.flows.loading import Loaded, Loader
from careloop.intake.files import Piece, Unusable, pieces

_SHOWN = 20


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `load`."""
    parser = add_command(
        commands, "load", says="load files of messages, bundles and resources", run=run,
        example="careloop load history.ndjson.gz messages/ --tenant riverbend",
    )  # fmt: skip
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help=".json .fhir .ndjson .hl7 .xml .ccda, each also .gz; folders, .zip",
    )
    parser.add_argument(
        "--acknowledgments", type=Path, metavar="DIR", help="write the answer to each batch file (FHS, BHS) here"
    )
    add_tenant(parser)


def run(arguments: argparse.Namespace) -> int:
    """Loads everything; 1 when something could not be used. Interrupted and started again, it goes on where it was."""
    missing = [number for number, path in enumerate(arguments.paths, start=1) if not path.exists()]
    if missing:
        raise Rejected(at="PATH", expected=f"files or folders that exist (argument {', '.join(map(str, missing))})")
    began = time.monotonic()
    with app_of(arguments) as app:
        loaded = load(app, tenant_of(app, arguments), arguments.paths)
    if arguments.acknowledgments is not None:
        write_acknowledgments(arguments.acknowledgments, loaded)
    report(arguments, facts(loaded, time.monotonic() - began), lines(loaded))
    return 1 if loaded.rejects else 0


def load(app: App, tenant: Tenant, paths: Sequence[Path]) -> Loaded:
    """Everything below `paths` is in the record, or among the rejects. Its facts can be read when this returns."""
    loader = Loader(app, tenant, system_principal(tenant.id, "load"))
    progress = Progress("entries")
    loader.load(_all(paths), lambda count: progress.advance(count))
    loader.keep_rejects(_all(paths))
    progress.finish()
    return loader.loaded


def write_acknowledgments(folder: Path, loaded: Loaded) -> None:
    """Each batch file has its answer in `folder`, as `<name>.ack`."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, answer in loaded.acknowledgments.items():
        (folder / f"{Path(file).name}.ack").write_bytes(answer)


def _all(paths: Sequence[Path]) -> Iterator[Piece | Unusable]:
    for path in paths:
        yield from pieces(path)


def facts(loaded: Loaded, seconds: float) -> dict[str, Any]:
    """The report as interface.md §2 names it."""
    return {
        "files": loaded.files,
        "messages": loaded.messages,
        "resources": loaded.resources,
        "created": loaded.created,
        "updated": loaded.updated,
        "unchanged": loaded.unchanged,
        "seconds": round(seconds, 3),
        "warnings": loaded.warnings,
        "rejects": [asdict(one) for one in loaded.rejects],
    }


def lines(loaded: Loaded) -> list[str]:
    """The report on one screen."""
    shown = [
        f"{loaded.files} files, {loaded.messages} messages, {loaded.resources} resources: {loaded.created} created,"
        f" {loaded.updated} updated, {loaded.unchanged} unchanged",
        f"{len(loaded.warnings)} warnings, {len(loaded.rejects)} rejects",
    ]
    shown += [f"  {one.file} {one.entry} {one.at}: {one.reason}" for one in loaded.rejects[:_SHOWN]]
    if len(loaded.rejects) > _SHOWN:
        shown.append(f"  and {len(loaded.rejects) - _SHOWN} more; see --json or `careloop inbox list`")
    return shown
