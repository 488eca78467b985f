"""The weights as the content file that people read: what was trained takes the place of what stood there."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from careloop.identity.batch.splinking import TrainedLevel

Document = Mapping[str, Any]
_LEAST, _MOST = 0.0005, 0.9995
_LEAST_U = 0.00001
"""No agreement is worth more than that it happens to one pair of strangers in 100,000."""


def with_trained(document: Document, trained: Iterable[TrainedLevel], *, day: str, tool: str, people: int) -> Document:
    """The weights document with the trained figures. What a level says is `stated` (its m, its u or both) stays: a
    coincidence that small data cannot show, or a field that they do not have."""
    found = {(one.field, one.level): one for one in trained}
    fields = {
        name: [_level(level, found.get((name, level["level"]))) for level in levels]
        for name, levels in document["fields"].items()
    }
    return {**document, "trained": {"day": day, "with": tool, "people": people}, "fields": fields}


def _level(level: Document, found: TrainedLevel | None) -> Document:
    if found is None:
        return level
    stated = level.get("stated", "")
    m = level["m"] if found.m is None or stated in ("m", "both") else min(max(found.m, _LEAST), _MOST)
    u = level["u"] if found.u is None or stated in ("u", "both") else min(max(found.u, _LEAST_U), _MOST)
    return {**level, "m": float(f"{m:.3g}"), "u": float(f"{u:.3g}")}


def as_yaml(document: Document) -> str:
    """The document as a file: one line for each level."""
    lines = [
        "# What each level of agreement says. m: how often it is seen between two records of one person; u: of two",
        "# people. Points are log2(m/u). `by_name`: commoner names (names.yaml) say less. `stated`: not trained, but",
        "# set by us, because small data cannot show it. `lines` are in points; a tenant may set its own.",
        *(f"{key}: {document[key]}" for key in ("id", "version", "status", "title")),
        "sources:",
        *(f"  - {_flow(one)}" for one in document["sources"]),
        "reviewed: null",
        f"trained: {_flow(document['trained'])}",
        f"lines: {_flow(document['lines'])}",
        "fields:",
    ]
    for name, levels in document["fields"].items():
        lines += [f"  {name}:", *(f"    - {_flow(level)}" for level in levels)]
    return "\n".join(lines) + "\n"


def _flow(values: Document) -> str:
    return "{" + ", ".join(f"{key}: {_value(value)}" for key, value in values.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.8f}".rstrip("0").rstrip(".")
    return f'"{value}"' if isinstance(value, str) and (" " in value or ":" in value or "-" in value) else str(value)


def described(before: Document, after: Document) -> Sequence[str]:
    """One line for each level whose figures changed."""
    return [
        f"{name:12} {new['level']:10} m {old['m']:<10.3g} -> {new['m']:<10.3g} u {old['u']:<10.3g} -> {new['u']:.3g}"
        for name, levels in after["fields"].items()
        for old, new in zip(before["fields"][name], levels, strict=True)
        if (old["m"], old["u"]) != (new["m"], new["u"])
    ]
