"""The built files on their way to the browser: kept in memory, packed once, never asked for again."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from careloop.web.assets.build import BUILT
from careloop.web.compression import packed_file, takes_gzip

_NAME = re.compile(r"[A-Za-z0-9-]+\.[0-9a-f]{12}\.[a-z0-9]+")
_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
_HEADERS = {
    "Cache-Control": "max-age=31536000, public, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A built file. `packed` is None for what is packed in itself."""

    plain: bytes
    packed: bytes | None
    media_type: str


@get("/assets/{name:str}", sync_to_thread=False, include_in_schema=False)
def asset_file(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """The file under its hashed name; the name changes with the bytes, so it is kept for a year."""
    asset = _asset(name)
    packed = asset.packed if asset.packed is not None and takes_gzip(request.headers) else None
    headers = _HEADERS if packed is None else {**_HEADERS, "Content-Encoding": "gzip"}
    return Response(asset.plain if packed is None else packed, media_type=asset.media_type, headers=headers)


@lru_cache(maxsize=64)
def _asset(name: str) -> Asset:
    path = BUILT / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFoundException
    ending = name.rpartition(".")[2]
    body = path.read_bytes()
    return Asset(plain=body, packed=None if ending == "woff2" else packed_file(body), media_type=_MEDIA_TYPES[ending])
