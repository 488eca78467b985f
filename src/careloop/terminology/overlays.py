"""Terminologies of tenants, kept as long as the resources they were made from stand."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from threading import Lock

from careloop.terminology.library import Packed
from careloop.terminology.terminology import Terminology

MOST = 64
"""Tenants whose terminology is kept; the one that was not asked for the longest goes first."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A tenant's terminology, the stamp of its state, and what it was made from: by reference, with versions."""

    stamp: Hashable
    terminology: Terminology
    resources: Mapping[str, tuple[int, Packed]]


class Overlays:
    """The newest terminology of each tenant. Safe to share."""

    def __init__(self) -> None:
        self._known: dict[int, Overlay] = {}
        self._lock = Lock()

    def get(self, tenant_id: int, stamp: Hashable, make: Callable[[Overlay | None], Overlay]) -> Terminology:
        """The tenant's terminology. Made anew, from the one before, where the stamp is another than last time."""
        with self._lock:
            known = self._known.pop(tenant_id, None)
            if known is not None:
                self._known[tenant_id] = known
        if known is not None and known.stamp == stamp:
            return known.terminology
        made = make(known)
        with self._lock:
            self._known[tenant_id] = made
            while len(self._known) > MOST:
                self._known.pop(next(iter(self._known)))
        return made.terminology
