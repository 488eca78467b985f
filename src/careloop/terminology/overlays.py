"""Terminologies of tenants, kept as long as the resources they were made from stand."""

from collections.abc import Callable, Hashable
from threading import Lock

from careloop.terminology.terminology import Terminology

MOST = 64
"""Tenants whose terminology is kept; the one that was not asked for the longest goes first."""


class Overlays:
    """The newest terminology of each tenant with the stamp of what it was made from. Safe to share."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Hashable, Terminology]] = {}
        self._lock = Lock()

    def get(self, tenant_id: int, stamp: Hashable, make: Callable[[], Terminology]) -> Terminology:
        """The tenant's terminology; made anew where the stamp is another than last time."""
        with self._lock:
            known = self._known.pop(tenant_id, None)
            if known is not None and known[0] == stamp:
                self._known[tenant_id] = known
                return known[1]
        made = make()
        with self._lock:
            self._known[tenant_id] = (stamp, made)
            while len(self._known) > MOST:
                self._known.pop(next(iter(self._known)))
        return made
