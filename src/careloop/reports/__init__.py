"""Operational and regulatory reports."""

from careloop.reports.store import keep_view, make_sql_view, published, replace_rows

__all__ = ["keep_view", "make_sql_view", "published", "replace_rows"]
