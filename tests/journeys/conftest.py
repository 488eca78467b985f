"""The practice that journeys happen in."""

import pytest
from tests.journeys.practice import Practice

from careloop.flows.app import App


@pytest.fixture
def practice(app):
    """A practice of its own for each story."""
    return Practice.open(app)


@pytest.fixture
def no_tries(_app: App) -> None:
    """Every test of a door is at the address of the one before, and starts with a clean sheet."""
    with _app.database.directory() as tx:
        tx.execute("delete from sign_in_throttle")
