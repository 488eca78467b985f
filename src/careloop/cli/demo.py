"""`careloop demo`: a made-up practice, running."""

import argparse
import threading
from dataclasses import asdict

from careloop.cli.options import add_command, settings_of
from careloop.cli.progress import Progress
from careloop.cli.serve import PARTS, Site, add_server_options, serve
from careloop.cli.supervisor import Part
from careloop.demo import prepare, run_feed
from careloop.demo.prepare import Login
from careloop.flows.app import App
from careloop.flows.reception import listening

_EXAMPLE = "careloop demo --patients 500 --port 8000"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `demo`."""
    parser = add_command(commands, "demo", says="run a made-up practice", example=_EXAMPLE, run=run)
    add_server_options(parser)
    parser.add_argument("--mllp-port", type=int, default=2575, help="HL7v2 port of riverbend; lakeside has the next")
    parser.add_argument("--patients", type=int, default=500, help="how many made-up patients (500; 0: none)")
    parser.add_argument("--no-feed", action="store_true", help="no live HL7v2 feed")


def run(arguments: argparse.Namespace) -> int:
    """Prepares the practice where it is not there yet, then serves it until it is stopped."""
    site = Site(
        settings=settings_of(arguments, host=arguments.host, port=arguments.port),
        ready_file=arguments.ready_file,
        parts=PARTS,
        more_parts=() if arguments.no_feed else (Part(name="feed"),),
    )
    return serve(site, arguments.clock, lambda app, site: make_practice(app, site, arguments))


def make_practice(app: App, site: Site, arguments: argparse.Namespace) -> None:
    """The practice exists; its sign-ins and clients are among the site's facts and in its greeting."""
    progress = Progress("made-up patients", total=arguments.patients)
    made = prepare(app, patients=arguments.patients, mllp_port=arguments.mllp_port, progress=progress.advance)
    progress.finish()
    site.facts |= {
        "logins": [asdict(one) for one in made.logins],
        "clients": [asdict(one) for one in made.clients],
    }
    site.greeting = [
        "Everything in this practice is made up. Sign in with:",
        *(_login_line(one) for one in made.logins if one.tenant == "riverbend"),
    ]


def run_live_feed(app: App, stop: threading.Event) -> None:
    """The process `feed`: people come and go in riverbend, told through its own HL7v2 door."""
    door = next(one for one in listening(app) if one.tenant.slug == "riverbend" and one.feed.port is not None)
    assert door.feed.port is not None
    run_feed(app.settings, door.feed.host, door.feed.port, stop, clock=app.clock)


def _login_line(login: Login) -> str:
    code = f"   one-time codes from {login.totp_secret}" if login.totp_secret else ""
    return f"  {login.role:26} {login.username:22} {login.password}{code}"
