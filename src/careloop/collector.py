"""How often Python's collector looks through what there is, in a process that stays."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_COLLECTED_AFTER = 5000
"""New objects between two looks of the collector; values of one message are gone long before by counting alone."""


def settle() -> None:
    """What was loaded stays for good: the collector need not look through the definitions again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER)


@contextmanager
def paused() -> Iterator[None]:
    """Inside, the collector does not look. For a set of work whose values all live to its end and die without it: each
    look at them would be for nothing."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
