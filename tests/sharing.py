"""How a whole test run is shared among processes: what starts once and serves many tests stays in one of them."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ONCE = ("tests/browser/", "tests/acceptance/")
"""Folders whose tests share a running product; it is started once, so one process runs the whole folder."""


def unit_of(nodeid: str) -> str:
    """What a test is handed out with: its file, or its folder where the folder shares a running product."""
    file = nodeid.split("::", 1)[0]
    return next((folder for folder in ONCE if file.startswith(folder)), file)


def longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """The shared folders stand first, so that no process is left alone with one of them at the end."""
    return sorted(items, key=lambda item: not item.nodeid.startswith(ONCE))


class ByProduct(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole files, and folders that share a running product as one."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
