"""Running products for tests that know only what a stranger knows."""

from collections.abc import Iterator

import pytest
from tests.acceptance.product import Fhir, Product

START = "2026-03-06T17:00:00-05:00"
"""The Friday of the first worked case, half an hour after the discharge."""


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """An empty demo on the Friday of the first worked case. Tests share it: each uses people of its own."""
    started = Product.on_new_folder(START)
    try:
        yield started.start()
    finally:
        started.discard()


@pytest.fixture
def fhir(product: Product) -> Fhir:
    """The client of riverbend."""
    return product.client()
