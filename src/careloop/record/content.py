"""The exact text of a version: the content as it came, with `meta.versionId` and `meta.lastUpdated` spliced in.

The content is encoded once, with resourceType, id and meta in front and without the two elements that belong to the
server; the stored text is the same bytes with the two put in their place. A hash over the content in the order of names
tells whether anything changed, so that the order of properties, which JSON gives no meaning, makes no version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from careloop.fhir.jsons import encode, encode_sorted

_OURS = ("versionId", "lastUpdated")


@dataclass(frozen=True, slots=True)
class Content:
    """A resource without the server's own elements, encoded. `meta_at` is where the inside of meta begins.

    `digest` is a signed 64-bit hash of the content; equal content has equal digests, in whatever order it came.
    """

    encoded: bytes
    meta_at: int
    digest: int

    def text(self, version: int, last_updated: datetime) -> str:
        """The stored text of this content as `version`."""
        inside = f'"versionId":"{version}","lastUpdated":"{instant(last_updated)}"'.encode()
        comma = b"" if self.encoded[self.meta_at : self.meta_at + 1] == b"}" else b","
        return b"".join((self.encoded[: self.meta_at], inside, comma, self.encoded[self.meta_at :])).decode()


def content_of(resource: Mapping[str, Any], resource_type: str, resource_id: str) -> Content:
    """`resource` under this type and id, ready to be stored. Everything but the server's elements is kept."""
    meta = {name: value for name, value in (resource.get("meta") or {}).items() if name not in _OURS}
    ordered: dict[str, Any] = {"resourceType": resource_type, "id": resource_id, "meta": meta}
    for name, value in resource.items():
        if name not in ordered:
            ordered[name] = value
    front = len(f'{{"resourceType":"{resource_type}","id":"{resource_id}","meta":{{')
    return Content(encode(ordered), front, _digest(encode_sorted(ordered)))


def _digest(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big", signed=True)


def with_meta(resource: Mapping[str, Any], resource_id: str, version: int, last_updated: datetime) -> dict[str, Any]:
    """The resource as a read will show it."""
    meta = {"versionId": str(version), "lastUpdated": instant(last_updated)}
    rest = {name: value for name, value in (resource.get("meta") or {}).items() if name not in _OURS}
    return {**resource, "id": resource_id, "meta": {**meta, **rest}}


@lru_cache(maxsize=16)
def instant(moment: datetime) -> str:
    """A FHIR instant in UTC with milliseconds, as stored in `meta.lastUpdated`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_milliseconds(moment: datetime) -> datetime:
    """`moment` cut to the milliseconds that `meta.lastUpdated` can say, so that row and text agree."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
