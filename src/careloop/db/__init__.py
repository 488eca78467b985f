"""PostgreSQL: connections, transactions under one tenant, named queries, migrations, the embedded server."""

from careloop.db.pool import Database, Row, Transaction
from careloop.db.queries import load_queries

__all__ = ["Database", "Row", "Transaction", "load_queries"]
