"""Links of partners: made, found by a code, used once. Codes are kept as keyed hashes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from careloop.access.keys import Keyring
from careloop.community import codes
from careloop.community.model import Codes, NewLink, PartnerLink, Purpose
from careloop.db import Row, Transaction, load_queries

_SQL = load_queries("careloop.community")
_LINK, _LETTERS, _CODE = "partner link", "sheet letters", "partner code"


def add_link(
    tx: Transaction, keys: Keyring, new: NewLink, *, now: datetime, expires: datetime, created_by: str
) -> Codes:
    """The link stands and can be answered until `expires`; what it is known by."""
    number = new.number or f"S-{tx.value(_SQL['next_sheet_number'])}"
    made = _free_codes(tx, keys, number)
    tx.execute(
        _SQL["add_link"],
        {
            "id": made.link_id,
            "hash": hash_of(keys, made.secret),
            "sheet_hash": hash_of(keys, made.sheet),
            "sheet_number": number,
            "purpose": new.purpose.value,
            "patient_id": new.patient_id,
            "request": new.request,
            "task": new.task,
            "partner": new.partner,
            "partner_reference": new.partner_reference,
            "asks": new.asks,
            "expects": new.expects,
            "now": now,
            "created_by": created_by,
            "expires": expires,
        },
    )
    return made


def codes_of(keys: Keyring, link_id: str, sheet_number: str) -> Codes:
    """What a link is known by, made again of its id and the installation's key."""
    letters = codes.check_letters(keys.fingerprint(_LETTERS, link_id))
    secret = codes.link_code(keys.fingerprint(_LINK, link_id))
    return Codes(link_id=link_id, secret=secret, sheet=codes.sheet_code(sheet_number, letters))


def hash_of(keys: Keyring, code: str) -> bytes:
    """What is kept of a code in its plain form."""
    return keys.fingerprint(_CODE, code)


def tenant_of_code(directory: Transaction, keys: Keyring, code: str) -> int | None:
    """The tenant that a code belongs to, None for one that nobody gave out."""
    found: int | None = directory.value(_SQL["tenant_of_code"], {"hash": hash_of(keys, code)})
    return found


def find_link(tx: Transaction, keys: Keyring, code: str) -> PartnerLink | None:
    """The link that has this code, in whatever state."""
    row = tx.one(_SQL["find_link"], {"hash": hash_of(keys, code)})
    return _link(row) if row else None


def link_by_id(tx: Transaction, link_id: str) -> PartnerLink | None:
    """The link, in whatever state."""
    row = tx.one(_SQL["link_by_id"], {"id": link_id})
    return _link(row) if row else None


def lock_link(tx: Transaction, link_id: str) -> PartnerLink | None:
    """The link, which nobody else answers until `tx` ends."""
    row = tx.one(_SQL["lock_link"], {"id": link_id})
    return _link(row) if row else None


def links_of_request(tx: Transaction, request: str) -> list[PartnerLink]:
    """All links that ask for this, newest first."""
    return [_link(row) for row in tx.rows(_SQL["links_of_request"], {"request": request})]


def links_by_sheets(tx: Transaction, keys: Keyring, sheets: Sequence[str]) -> dict[str, PartnerLink]:
    """The links of these paper codes, without codes that nobody gave out. Used and old ones count: paper is late."""
    by_hash = {hash_of(keys, sheet): sheet for sheet in sheets}
    rows = tx.rows(_SQL["links_by_sheets"], {"hashes": list(by_hash)}) if by_hash else []
    return {by_hash[bytes(row["sheet_hash"])]: _link(row) for row in rows}


def note_attempt(tx: Transaction, link_id: str) -> None:
    """One more wrong birth date."""
    tx.execute(_SQL["note_attempt"], {"id": link_id})


def use_link(tx: Transaction, link_id: str, answer: str, now: datetime) -> bool:
    """The link is answered. False when it was before."""
    return tx.execute(_SQL["use_link"], {"id": link_id, "answer": answer, "now": now}) == 1


def withdraw_link(tx: Transaction, link_id: str, now: datetime) -> bool:
    """The link opens nothing any more. False when it was answered or withdrawn before."""
    return tx.execute(_SQL["withdraw_link"], {"id": link_id, "now": now}) == 1


def _free_codes(tx: Transaction, keys: Keyring, number: str) -> Codes:
    """Codes that no other link of any practice has; the letters are few, so another id is tried."""
    while True:
        made = codes_of(keys, str(uuid4()), number)
        claims = [{"hash": hash_of(keys, code), "tenant_id": tx.tenant_id} for code in (made.sheet, made.secret)]
        if all(tx.one(_SQL["claim_code"], claim) is not None for claim in claims):
            return made


def _link(row: Row) -> PartnerLink:
    values = {name: row[name] for name in PartnerLink.__dataclass_fields__}
    return PartnerLink(**{**values, "purpose": Purpose(row["purpose"])})
