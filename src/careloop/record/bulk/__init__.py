"""Bulk jobs and the pages that an export reads: the tables behind `$export` and `$import`."""

from careloop.record.bulk.jobs import BulkJob, JobState
from careloop.record.bulk.pages import TABLES, Extent, deleted_since, pages, superseded, table_lines, types_there

__all__ = [
    "TABLES",
    "BulkJob",
    "Extent",
    "JobState",
    "deleted_since",
    "pages",
    "superseded",
    "table_lines",
    "types_there",
]
