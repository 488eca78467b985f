"""The mapping content and a feed, without a database."""

import pytest

from careloop.catalog import load_catalog
from careloop.intake.mapping import load_mappings
from careloop.intake.model import Feed


@pytest.fixture(scope="session")
def mappings():
    catalog = load_catalog()
    return load_mappings(catalog.mapping("hl7v2"), catalog.mapping("hl7v2-tables"))


@pytest.fixture(scope="session")
def feed():
    return Feed(id=1, kind="hl7v2", zone="America/New_York", any_sender=True)
