"""PostgreSQL: connections, transactions under one tenant, named queries, migrations, the embedded server."""

from careloop.db.launcher import DatabaseUrls, ensure_database, is_running, keep_alive, release_database
from careloop.db.pool import (
    CheckViolation,
    Contended,
    Database,
    ExclusionViolation,
    ForeignKeyViolation,
    Row,
    Transaction,
    UniqueViolation,
)
from careloop.db.queries import load_queries

__all__ = [
    "CheckViolation",
    "Contended",
    "Database",
    "DatabaseUrls",
    "ExclusionViolation",
    "ForeignKeyViolation",
    "Row",
    "Transaction",
    "UniqueViolation",
    "ensure_database",
    "is_running",
    "keep_alive",
    "load_queries",
    "release_database",
]
