"""Everything that is due is carried out; where that is very much, a second process does half of it.

One interpreter keeps one core busy, however many threads it has. The second process lives as long as one sweep: a child
of whoever sweeps, with an app of its own, so that the guardian of the embedded server knows it as a user. It ends when
its half is done, and when its parent is gone.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec
import structlog

from careloop.access.model import Tenant
from careloop.clock import Clock, clock_started_at
from careloop.flows import deadlines
from careloop.flows.app import App
from careloop.loops.store import Part
from careloop.settings import child_environment

_log = structlog.get_logger()

_LONGEST_SECONDS = 900
"""So long a second process may take for its half; what it left is then done without it."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What the second process is asked for: part `number` of `of` parts, by a clock that is so many seconds off."""

    tenant_id: int
    clock_offset: float
    number: int
    of: int


def run(app: App, tenant: Tenant, at: datetime | None = None) -> deadlines.Report:
    """Everything that is due by `at` (now when left out) is carried out, by two processes where it is very much."""
    return deadlines.run(app, tenant, at, beside=_second_process)


@contextmanager
def _second_process(app: App, tenant: Tenant, part: Part) -> Iterator[Callable[[], deadlines.Done]]:
    """The part is swept beside; what is given waits for its end and says how much that was. A process that fails has
    done some of it: whoever waits looks for what is left."""
    offset = clock_started_at(app.clock.now()).offset
    order = Order(tenant_id=tenant.id, clock_offset=offset.total_seconds(), number=part.number, of=part.of)
    watched, held = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "careloop.cli.children", "sweeper", str(watched)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment(app.settings),
        pass_fds=(watched,),
    )
    os.close(watched)
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(msgspec.json.encode(order))
    process.stdin = None
    try:
        yield lambda: _answer(process)
    finally:
        # The child sees its pipe close and ends after the set that it is at.
        os.close(held)
        process.wait()


def _answer(process: "subprocess.Popen[bytes]") -> deadlines.Done:
    try:
        said, _ = process.communicate(timeout=_LONGEST_SECONDS)
        return msgspec.json.decode(said, type=deadlines.Done)
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        process.kill()
        _log.error("second sweeper failed", exit_status=process.wait())
        return deadlines.Done()


def sweep_beside(app: App, stop: threading.Event) -> None:
    """The second process: carries out the order on its standard input and answers on its standard output."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    moved = app.with_clock(Clock(offset=timedelta(seconds=order.clock_offset)))
    done = deadlines.sweep(moved, order.tenant_id, Part(number=order.number, of=order.of), stop)
    sys.stdout.buffer.write(msgspec.json.encode(done))
    sys.stdout.buffer.flush()
