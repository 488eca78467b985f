"""What was answered to a question among "My questions" (ui.md §7.14, decision 0157). Pure."""

from collections.abc import Mapping
from typing import Any

QUESTIONS = "urn:careloop:question"
_WORDS = {True: "yes", False: "no"}


def answer_keys(task: Mapping[str, Any]) -> dict[str, str]:
    """`answer` yes, no or other of a completed question; nothing where somebody else than its owner answered."""
    codings = (task.get("code") or {}).get("coding", ())
    if task.get("status") != "completed" or not any(one.get("system") == QUESTIONS for one in codings):
        return {}
    notes = task.get("note", ())
    who = (notes[-1].get("authorReference") or {}).get("reference") if notes else None
    if who != (task.get("owner") or {}).get("reference"):
        return {}
    said = next((one for one in reversed(task.get("output", ())) if _is_answer(one)), None)
    if said is None:
        return {}
    return {"answer": _WORDS[said["valueBoolean"]] if "valueBoolean" in said else "other"}


def _is_answer(output: Mapping[str, Any]) -> bool:
    return any(one.get("code") == "answer" for one in (output.get("type") or {}).get("coding", ()))
