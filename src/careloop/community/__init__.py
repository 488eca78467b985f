"""Partners without accounts: links that are good for one answer, codes on paper."""

from careloop.community.codes import as_path, in_text, plain
from careloop.community.model import Codes, NewLink, PartnerLink, Purpose
from careloop.community.store import (
    add_link,
    codes_of,
    find_link,
    link_by_id,
    links_by_sheets,
    links_of_request,
    lock_link,
    note_attempt,
    tenant_of_code,
    use_link,
    withdraw_link,
)

__all__ = [
    "Codes",
    "NewLink",
    "PartnerLink",
    "Purpose",
    "add_link",
    "as_path",
    "codes_of",
    "find_link",
    "in_text",
    "link_by_id",
    "links_by_sheets",
    "links_of_request",
    "lock_link",
    "note_attempt",
    "plain",
    "tenant_of_code",
    "use_link",
    "withdraw_link",
]
