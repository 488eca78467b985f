"""From search clauses to SQL and back to a page of the record. The only place that builds SQL."""

from careloop.record.search.searching import CURSOR, Asking, search

__all__ = ["CURSOR", "Asking", "search"]
