"""`$lastn`: the latest observations of each kind (FHIR R4 Observation-lastn)."""

from collections.abc import Iterator, Sequence
from typing import Any

from careloop.errors import Rejected
from careloop.flows.interactions import Interaction
from careloop.record import SearchPage, Stored

PAGE = 1000
MOST = 20_000
"""Observations looked at. Whoever asks for more must narrow the question."""

_WITHDRAWN = ("status:not", "entered-in-error")


def latest(door: Interaction, asked: Sequence[tuple[str, str]], most: int, base: str | None) -> SearchPage:
    """Of each group of observations with a common code the `most` latest, latest first; withdrawn ones do not count
    unless a status was asked for."""
    groups = _Groups(most)
    for stored in _newest_first(door, asked, base):
        groups.offer(stored)
    return SearchPage(entries=groups.kept, total=len(groups.kept))


def _newest_first(door: Interaction, asked: Sequence[tuple[str, str]], base: str | None) -> Iterator[Stored]:
    fixed = [*asked, ("_sort", "-date"), ("_count", str(PAGE)), ("_total", "none")]
    if not any(name.partition(":")[0] == "status" for name, _ in asked):
        fixed.append(_WITHDRAWN)
    cursor: str | None = ""
    seen = 0
    while cursor is not None:
        page = door.search("Observation", [*fixed, *([("_cursor", cursor)] if cursor else [])], base)
        seen += len(page.entries)
        if seen > MOST:
            raise Rejected(
                at="search", expected=f"a question that at most {MOST} observations answer", code="too-costly"
            )
        yield from page.entries
        cursor = page.next_cursor


class _Groups:
    """Observations by what they measure: those that share a coding are one group, those without go by their text."""

    def __init__(self, most: int) -> None:
        self.kept: list[Stored] = []
        self._most = most
        self._group_of: dict[tuple[str, str], int] = {}
        self._count: dict[int, int] = {}

    def offer(self, stored: Stored) -> None:
        """It is kept where its group is not full yet."""
        keys = _keys(stored.resource)
        known = {self._group_of[key] for key in keys if key in self._group_of}
        group = min(known) if known else len(self._group_of)
        for other in known - {group}:
            self._join(other, group)
        self._group_of.update(dict.fromkeys(keys, group))
        if self._count.get(group, 0) < self._most:
            self._count[group] = self._count.get(group, 0) + 1
            self.kept.append(stored)

    def _join(self, other: int, group: int) -> None:
        self._group_of.update({key: group for key, was in self._group_of.items() if was == other})
        self._count[group] = self._count.get(group, 0) + self._count.pop(other, 0)


def _keys(observation: dict[str, Any]) -> list[tuple[str, str]]:
    code = observation["code"]
    keys = [(str(one.get("system", "")), str(one["code"])) for one in code.get("coding", ()) if "code" in one]
    return keys or [("text", str(code.get("text", "")).casefold())]
