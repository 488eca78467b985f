"""One line on stderr for the operator, before logging is set up. Codes only, never data."""

import json
import sys


def warn(code: str) -> None:
    """The line `{"level": "warning", "event": code}` stands on stderr."""
    print(json.dumps({"level": "warning", "event": code}), file=sys.stderr)  # noqa: T201
