"""A tenant with a feed, shared with the tests of intake."""

from tests.integration.intake.conftest import Door, door

__all__ = ["Door", "door"]
