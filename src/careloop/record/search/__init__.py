"""From search clauses to SQL and back to a page of the record. The only place that builds SQL."""

from careloop.record.search.asking import Asking as Steps
from careloop.record.search.asking import all_of, one_of
from careloop.record.search.searching import CURSOR, Asking, Wide, search, search_wide, searching
from careloop.record.search.wording import Asked

__all__ = ["CURSOR", "Asked", "Asking", "Steps", "Wide", "all_of", "one_of", "search", "search_wide", "searching"]
