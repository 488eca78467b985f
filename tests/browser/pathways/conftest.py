"""The desk of the pathway journeys: the shared demo, each person signed in once."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext
from tests.browser.conftest import Site
from tests.browser.pathways.desk import Desk
from tests.browser.pathways.doors import Fhir


@pytest.fixture(scope="package")
def desk(site: Site, browser: Browser) -> Iterator[Desk]:
    """Everybody's screen, kept for the whole run of these journeys."""
    opened: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(10_000)
        opened.append(context)
        return context

    yield Desk(site=site, open_context=make, fhir=Fhir(site))
    for context in opened:
        context.close()
