"""Jinja templates, and the answer that carries a page: strict headers, no store."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar import Litestar, Request, Response
from litestar.enums import MediaType
from litestar.response.base import ASGIResponse

from careloop.web import rings, words
from careloop.web.assets import build
from careloop.web.compression import SMALLEST, may_pack_page, packed_page

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "HX-Request, HX-Target, Accept-Encoding, Sec-Fetch-Site",
}


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The template environment: autoescape on, an unknown name is an error and never an empty place on the page."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(f"careloop.web.{part}", "templates") for part in ("staff", "partners")]),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = asset_path
    made.globals["open_ring"] = rings.open_ring
    made.globals["closed_ring"] = rings.closed_ring
    made.filters["initials"] = words.initials
    return made


@lru_cache(maxsize=1)
def _manifest() -> Mapping[str, str]:
    path = Path(build.BUILT) / "manifest.json"
    files: dict[str, str] = json.loads(path.read_text())["files"]
    return files


def asset_path(name: str) -> str:
    """The public path of a built file, with its content hash in the name."""
    return f"/assets/{_manifest()[name]}"


class Words:
    """The words of time for one page: the same `now` and zone everywhere on it."""

    def __init__(self, now: datetime, zone_name: str) -> None:
        self.now = now
        self.zone = words.zone_of(zone_name)

    def left(self, due: datetime, state: Any) -> str:
        """`6 h 18 min left`."""
        return words.left_words(due, state, self.now, self.zone)

    def left_on_board(self, due: datetime, state: Any) -> str:
        """Hours until 72 h, then days (ui.md §7.4)."""
        return words.left_words(due, state, self.now, self.zone, hours_until=timedelta(hours=72))

    def due(self, due: datetime) -> str:
        """`today 5:00 pm`."""
        return words.due_words(due, self.now, self.zone)

    def moment(self, instant: datetime) -> str:
        """`Fri 20 Nov 4:10 pm`."""
        return words.moment_words(instant, self.now, self.zone)

    def printed(self, instant: datetime) -> str:
        """`22 November 2026, 4:10 pm`: on paper no day is today."""
        local = instant.astimezone(self.zone)
        return f"{local:%-d %B %Y}, {words.clock_time(instant, self.zone)}"

    def time(self, instant: datetime) -> str:
        """`4:10 pm`."""
        return words.clock_time(instant, self.zone)

    def day(self, text: str) -> str:
        """`14 Feb 1955` for a day as FHIR writes it."""
        return words.date_words(text, self.zone)

    def ago(self, instant: datetime) -> str:
        """`6 min ago`."""
        return f"{words.span_words(self.now - instant)} ago"

    def on_form(self, instant: datetime) -> str:
        """The value of a `datetime-local` field in the zone of the page."""
        return instant.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M")


class Page(Response[str]):
    """A page or a part of one; packed on its way out where that is safe (decision 0234)."""

    def to_asgi_response(self, app: Litestar | None, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:
        """The answer with its bytes as they travel."""
        made = super().to_asgi_response(app, request, **options)
        if len(made.body) >= SMALLEST and may_pack_page(request.headers):
            made.body = packed_page(made.body)
            made.headers["content-encoding"] = "gzip"
            made.headers["content-length"] = str(len(made.body))
        return made


def render(
    template: str, values: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """The page, with the headers that every page has."""
    body = environment().get_template(template).render(values)
    return Page(body, status_code=status, media_type=MediaType.HTML, headers={**PAGE_HEADERS, **(headers or {})})
