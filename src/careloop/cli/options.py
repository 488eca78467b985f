"""What every command shares: its options, the app it works on, the tenant it means, its report."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from careloop.access.model import Tenant
from careloop.errors import Rejected
from careloop.flows.app import App, build_app
from careloop.settings import Settings, load_settings

Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], int]


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    *,
    says: str,
    example: str,
    run: Run | None,
) -> argparse.ArgumentParser:
    """A command (or a group of commands, without `run`) with the options that all have. `example` is one full line."""
    parser = commands.add_parser(name, help=says, description=says, epilog=f"example: {example}")
    parser.set_defaults(example=example)
    if run is not None:
        parser.set_defaults(run=run)
        add_common(parser)
    return parser


def add_common(parser: argparse.ArgumentParser) -> None:
    """`--data-dir`, `--config` and `--json`."""
    parser.add_argument("--data-dir", type=Path, metavar="D", help="folder of the installation")
    parser.add_argument("--config", type=Path, metavar="F", help="settings as a TOML file")
    parser.add_argument("--json", action="store_true", help="the report as JSON on stdout")


def add_tenant(parser: argparse.ArgumentParser) -> None:
    """`--tenant`, which may be left out where only one tenant exists."""
    parser.add_argument("--tenant", metavar="T", help="slug of the tenant")


def settings_of(arguments: argparse.Namespace, **more: Any) -> Settings:
    """The settings that this call of the command means."""
    return load_settings(arguments.config, data_dir=arguments.data_dir, **more)


@contextmanager
def app_of(arguments: argparse.Namespace, **more: Any) -> Iterator[App]:
    """The product in this process for the length of a command."""
    settings = settings_of(arguments, **more)
    app = build_app(settings, pool_size=settings.worker_pool_size)
    try:
        yield app
    finally:
        app.close()


def tenant_of(app: App, arguments: argparse.Namespace) -> Tenant:
    """The tenant that was named; else the only one; else, on the demo, `riverbend`. `Rejected` where that is open."""
    if arguments.tenant:
        return app.tenant(arguments.tenant)
    tenants = app.tenants()
    if len(tenants) == 1:
        return tenants[0]
    if (app.settings.data_dir / "demo.json").exists():
        return app.tenant("riverbend")
    known = ", ".join(tenant.slug for tenant in tenants) or "none exists yet; see `careloop tenant add`"
    raise Rejected(at="--tenant", expected=f"the slug of a tenant ({known})")


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr."""
    print(text, file=sys.stderr, flush=True)


def report(arguments: argparse.Namespace, facts: Mapping[str, Any], lines: list[str] | None = None) -> None:
    """The report on stdout: as JSON with `--json`, else `lines`, else the facts one a line."""
    if arguments.json:
        print(json.dumps(facts, default=str), flush=True)
        return
    for line in lines if lines is not None else [f"{name:14} {value}" for name, value in facts.items()]:
        print(line, flush=True)
