"""From search clauses to SQL and back to a page of the record. The only place that builds SQL."""
