"""The practice that journeys happen in."""

import pytest
from tests.journeys.practice import Practice


@pytest.fixture
def practice(app):
    """A practice of its own for each story."""
    return Practice.open(app)
