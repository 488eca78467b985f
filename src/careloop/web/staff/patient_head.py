"""The identity head with its tabs, for pages of one patient whose own flow brings none (ui.md §7.2)."""

from typing import Any

from careloop.db import Transaction
from careloop.flows.patient_heading import header_now
from careloop.web.staff.context import Staff
from careloop.web.words import born_words


def head_values(staff: Staff, tx: Transaction, patient_id: str, tab: str = "") -> dict[str, Any]:
    """What `patient_head.html` needs; `tab` is the one that is open, empty for a page that is none of them."""
    page = {"header": header_now(staff.app, tx, patient_id), "contradictions": ()}
    return {"page": page, "tab": tab, "primary": None, "born": born_words, "problem": ""}
