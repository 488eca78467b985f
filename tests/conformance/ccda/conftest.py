"""The C-CDA content as the product loads it."""

import pytest

from careloop.catalog import CONTENT, load_catalog
from careloop.intake.ccda import CcdaContent, load_ccda


@pytest.fixture(scope="session")
def content() -> CcdaContent:
    """The rules of content, interpreted once."""
    return load_ccda(load_catalog(product=CONTENT).documents("ccda"))
