"""What links between the entries of a transaction become (FHIR R4 bundle, sections 2.36.4.1 and .2). Pure.

An entry is linked to by its `fullUrl`, by the same with its version, or, from entries of the same server, by what comes
after that server's address.
"""

import re
from collections.abc import Mapping
from typing import Any

_RESTFUL = re.compile(r"(?P<base>https?://.+)/(?P<tail>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")


class Links:
    """The links that the entries of one transaction may use, each with what it becomes."""

    def __init__(self) -> None:
        self._absolute: dict[str, str] = {}
        self._relative: dict[str, dict[str, str]] = {}
        self._anywhere: dict[str, str] = {}

    def add(self, full_url: str, target: str, resource: Mapping[str, Any] | None, *, is_new: bool) -> None:
        """An entry with this address becomes `target` (`Type/id`). What is new is in its first version, whatever
        version it had where it comes from."""
        version = ((resource or {}).get("meta") or {}).get("versionId") if is_new else None
        found = _RESTFUL.fullmatch(full_url)
        self._put(self._absolute, full_url, target, version)
        if found is not None:
            self._put(self._relative.setdefault(found["base"], {}), found["tail"], target, version)
            if is_new:
                self._put(self._anywhere, found["tail"], target, version)

    def add_condition(self, reference: str, target: str) -> None:
        """A conditional reference that was answered."""
        self._absolute[reference] = target

    def __contains__(self, reference: str) -> bool:
        return reference in self._absolute

    def of(self, full_url: str | None) -> dict[str, str]:
        """What the links in the entry of this address become. Where it is not on a server itself, its relative links
        are taken to mean the entry with that type and id on whichever server."""
        found = _RESTFUL.fullmatch(full_url) if full_url else None
        return {**(self._anywhere if found is None else self._relative.get(found["base"], {})), **self._absolute}

    @staticmethod
    def _put(links: dict[str, str], link: str, target: str, version: Any) -> None:
        links[link] = target
        if isinstance(version, str):
            links[f"{link}/_history/{version}"] = f"{target}/_history/1"
