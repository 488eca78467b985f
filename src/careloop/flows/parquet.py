"""NDJSON of resources as a Parquet table: identity, version, date and the resource itself, one row each."""

from importlib import import_module
from pathlib import Path

_QUERY = """
copy (
    select json ->> '$.resourceType' as resource_type, json ->> '$.id' as id,
           (json ->> '$.meta.versionId')::integer as version,
           (json ->> '$.meta.lastUpdated')::timestamptz as last_updated, json::varchar as resource
      from read_ndjson_objects(?, maximum_object_size = 100000000)
) to '{target}' (format parquet, compression zstd)
"""


def to_parquet(lines: Path, target: Path) -> None:
    """`target` has one row for each resource in `lines`; `resource` is its JSON text."""
    with import_module("duckdb").connect(config={"threads": 1}) as connection:  # 30 MB that few processes need
        connection.execute(_QUERY.format(target=str(target).replace("'", "''")), [str(lines)])
