"""In which zone a tenant's dates without an offset are read."""

from datetime import tzinfo
from zoneinfo import ZoneInfo

from careloop.access.tenancy import get_tenant
from careloop.db import Transaction


class Zones:
    """The zone of each tenant, asked once by each process: a tenant that moves must be indexed anew anyway."""

    def __init__(self) -> None:
        self._known: dict[int, tzinfo] = {}

    def of(self, tx: Transaction) -> tzinfo:
        """The zone of the transaction's tenant."""
        known = self._known.get(tx.tenant_id)
        if known is None:
            known = self._known[tx.tenant_id] = ZoneInfo(get_tenant(tx, tx.tenant_id).zone)
        return known
