"""The C-CDA content of this process."""

from careloop.flows.app import App
from careloop.intake import ccda
from careloop.intake.ccda import CcdaContent

_CONTENT: dict[int, CcdaContent] = {}


def content_of(app: App) -> CcdaContent:
    """`content/ccda`, interpreted once."""
    known = _CONTENT.get(id(app.catalog))
    if known is None:
        known = _CONTENT[id(app.catalog)] = ccda.load_ccda(app.catalog.documents("ccda"))
    return known
