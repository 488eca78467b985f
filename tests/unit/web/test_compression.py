"""Bodies as they travel: packed for our own pages, plain for what another site made the browser ask for."""

import gzip

import pytest
from litestar import Litestar, Response, get
from litestar.testing import TestClient

from careloop.web.assets.serving import asset_file
from careloop.web.compression import SMALLEST, may_pack_page, takes_gzip
from careloop.web.rendering import Page, asset_path


@get("/", sync_to_thread=False)
def _long_page() -> Response[str]:
    return Page("é" * SMALLEST, headers={"Cache-Control": "no-store"})


@get("/short", sync_to_thread=False)
def _short_page() -> Response[str]:
    return Page("short")


_client = TestClient(Litestar([_long_page, _short_page, asset_file]))


def _asked(path: str, **headers: str) -> tuple[str, int, bytes]:
    """Encoding, length as it travelled, and the body as a browser reads it."""
    answer = _client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == 200
    return answer.headers.get("content-encoding", ""), int(answer.headers["content-length"]), answer.content


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_that_we_or_the_person_asked_for_is_packed(site: str) -> None:
    encoding, length, body = _asked("/", accept_encoding="br, gzip;q=0.8", sec_fetch_site=site)
    assert encoding == "gzip"
    assert body == "é".encode() * SMALLEST
    assert length < len(body) / 10


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_a_page_that_another_site_asked_for_travels_plain(site: str) -> None:
    encoding, length, body = _asked("/", accept_encoding="gzip", sec_fetch_site=site)
    assert (encoding, length) == ("", len(body))


def test_a_browser_without_gzip_gets_the_page_plain() -> None:
    assert _asked("/", accept_encoding="identity", sec_fetch_site="none")[0] == ""
    assert _asked("/short", accept_encoding="gzip", sec_fetch_site="none")[0] == ""


def test_gzip_refused_by_weight_is_not_taken() -> None:
    assert takes_gzip({"accept-encoding": "br, gzip"})
    assert not takes_gzip({"accept-encoding": "gzip; q=0"})
    assert not takes_gzip({"accept-encoding": "xgzip"})
    assert not may_pack_page({"accept-encoding": "gzip"})


def test_files_are_packed_for_everybody_and_kept_for_a_year() -> None:
    path = asset_path("staff.css")
    assert _asked(path, accept_encoding="gzip", sec_fetch_site="cross-site")[0] == "gzip"
    encoding, length, plain = _asked(path, accept_encoding="identity")
    assert (encoding, length) == ("", len(plain))
    assert len(gzip.compress(plain)) < 8_000
    assert _asked(asset_path("inter-latin.woff2"), accept_encoding="gzip")[0] == ""
    assert "immutable" in _client.get(path).headers["cache-control"]


@pytest.mark.parametrize("name", ["manifest.json", "..%2fbuild.py", "staff.css", "staff.000000000000.css", "x"])
def test_only_built_files_are_given(name: str) -> None:
    assert _client.get(f"/assets/{name}").status_code == 404
