"""From search clauses to SQL and back to a page of the record. The only place that builds SQL."""

from careloop.record.search.searching import CURSOR, Asking, Wide, search, search_wide
from careloop.record.search.wording import Asked

__all__ = ["CURSOR", "Asked", "Asking", "Wide", "search", "search_wide"]
