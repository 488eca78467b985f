"""The schema that all migrations make together, as one file to read: `src/careloop/db/schema.sql`.

`PYTHONPATH=src python -m tools.schema` writes it from a fresh database; a test compares it with the migrations.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from careloop.db import ensure_database, release_database
from careloop.db.cluster import locate, program
from careloop.settings import Settings

PAGE = Path(__file__).parents[1] / "src" / "careloop" / "db" / "schema.sql"

_HEAD = "-- Made from the migrations by tools/schema.py. Read this; change the migrations.\n\n"
_NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|SET .*;|SELECT pg_catalog\.set_config.*)$\n?", re.MULTILINE)


def dump(settings: Settings, owner_url: str) -> str:
    """The schema of this database of the embedded server, without what differs from run to run."""
    command = [str(program(locate(settings.data_dir), "pg_dump")), "--schema-only", "--no-owner", owner_url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return _HEAD + re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", text)).strip() + "\n"


def main() -> int:
    """Writes the page."""
    folder = Path(tempfile.mkdtemp(prefix="careloop-schema-"))
    folder.chmod(0o711)
    settings = Settings(data_dir=folder)
    try:
        PAGE.write_text(dump(settings, ensure_database(settings).owner), encoding="utf-8")
    finally:
        release_database(settings)
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
