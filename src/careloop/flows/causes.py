"""Why loops are reviewed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from careloop.loops.plans import Owner


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a review runs: the fact (a reference or words), the person whose act it was, the owners that they decided.

    `assignments` is keyed by (loop id, step id), step id '' for the loop itself.
    """

    fact: str | None = None
    by: str | None = None
    assignments: Mapping[tuple[str, str], Owner] = field(default_factory=dict)
