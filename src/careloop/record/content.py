"""The exact text of a version: the content as it came, with `meta.versionId` and `meta.lastUpdated` spliced in.

The content is encoded once, with resourceType, id and meta in front and without the two elements that belong to the
server. Its hash tells whether anything changed; the stored text is the same bytes with the two put in their place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from careloop.fhir.jsons import encode

_OURS = ("versionId", "lastUpdated")


@dataclass(frozen=True, slots=True)
class Content:
    """A resource without the server's own elements, encoded. `meta_at` is where the inside of meta begins."""

    encoded: bytes
    meta_at: int

    @property
    def digest(self) -> int:
        """A signed 64-bit hash of the content; equal content has equal digests."""
        return int.from_bytes(blake2b(self.encoded, digest_size=8).digest(), "big", signed=True)

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
    return Content(encode(ordered), front)


def with_meta(resource: Mapping[str, Any], resource_id: str, version: int, last_updated: datetime) -> dict[str, Any]:
    """The resource as a read will show it."""
    meta = {"versionId": str(version), "lastUpdated": instant(last_updated)}
    rest = {name: value for name, value in (resource.get("meta") or {}).items() if name not in _OURS}
    return {**resource, "id": resource_id, "meta": {**meta, **rest}}


def instant(moment: datetime) -> str:
    """A FHIR instant in UTC with milliseconds, as stored in `meta.lastUpdated`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_milliseconds(moment: datetime) -> datetime:
    """`moment` cut to the milliseconds that `meta.lastUpdated` can say, so that row and text agree."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
