"""Compare medicines (ui.md §7.3), and what came of it: sheet, pharmacy note, who was told."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.errors import Conflict, Rejected
from careloop.flows import medicine_compare as flow
from careloop.flows import medicine_done, medicine_finish
from careloop.flows.medicine_compare import Chosen, ComparePage
from careloop.medications.rules.reconciling import words
from careloop.medications.rules.reconciling.outcomes import HOLD
from careloop.medications.rules.reconciling.values import Entry, Group, Row, Side
from careloop.web.staff.context import SignedInStaff, Staff, checked_form, is_htmx
from careloop.web.staff.worklist import new_key

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/patients"
_FIELDS = ("choice", "why", "until", "condition", "owner", "due")


@get("/patients/{patient_id:str}/medicines/compare", sync_to_thread=True)
def compare_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The lists side by side, as far as they are settled."""
    return _page(staff, patient_id)


@post("/patients/{patient_id:str}/medicines/compare", sync_to_thread=True)
def compare_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """Choices are kept as they are made; the whole is signed by Finish."""
    form = checked_form(staff, data)
    act, who = form.get("act", "save"), staff.principal

    def work(tx: Any) -> str:
        flow.save(staff.app, tx, who, patient_id, _chosen(form))
        return ""

    def sign(tx: Any) -> Any:
        return medicine_finish.finish(staff.app, tx, who, patient_id, key=form.get("key") or None)

    try:
        staff.app.database.run(staff.tenant.id, work, actor=who.reference)
        if act == "finish":
            receipt = staff.app.database.run(staff.tenant.id, sign, actor=who.reference)
            done = receipt.act_id
            return staff.back(f"/patients/{patient_id}/medicines/done/{done}", receipt.says, act=receipt.act_id)
    except Rejected as error:
        return _page(staff, patient_id, faults=error.faults, status=422)
    except Conflict as error:
        return _page(staff, patient_id, problem=f"{error.message}.", status=409)
    if is_htmx(staff.request):
        return _page(staff, patient_id, is_part=True)
    return staff.back(f"/patients/{patient_id}/medicines/compare", "Saved for later." if act == "later" else "Saved.")


@get("/patients/{patient_id:str}/medicines/done/{done:str}", sync_to_thread=True)
def done_page(staff: SignedInStaff, patient_id: FromPath[str], done: FromPath[str]) -> Response[str]:
    """What a signed comparison came to, and what still has to be done about it."""
    return _done(staff, patient_id, done)


@post("/patients/{patient_id:str}/medicines/done/{done:str}", sync_to_thread=True)
def done_send(staff: SignedInStaff, patient_id: FromPath[str], done: FromPath[str], data: Form) -> Response[str]:
    """The patient was told, the note left, or the comparison was a mistake."""
    form = checked_form(staff, data)
    act, app, who = form.get("act", ""), staff.app, staff.principal

    def work(tx: Any) -> str:
        if act == "withdraw":
            return medicine_finish.withdraw(app, tx, who, done, form.get("why", ""))
        if act == "note":
            return medicine_done.note_sent(app, tx, who, patient_id, done, form.get("to", ""))
        return medicine_done.told(
            app, tx, who, patient_id, done, outcome=form.get("outcome", ""), way=form.get("way", ""),
            key=form.get("key") or None,
        )  # fmt: skip

    try:
        said = staff.app.database.run(staff.tenant.id, work, actor=who.reference)
    except (Rejected, Conflict) as error:
        text = f"Still needed: {error.expected}." if isinstance(error, Rejected) else f"{error.message}."
        return _done(staff, patient_id, done, problem=text, status=409 if isinstance(error, Conflict) else 422)
    back = "compare" if act == "withdraw" else f"done/{done}"
    return staff.back(f"/patients/{patient_id}/medicines/{back}", said)


@get("/patients/{patient_id:str}/medicines/sheet/{done:str}", sync_to_thread=True)
def sheet_page(staff: SignedInStaff, patient_id: FromPath[str], done: FromPath[str]) -> Response[str]:
    """What the patient takes home, in plain words; the wallet card is on the second page."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        sheet = medicine_done.sheet(staff.app, tx, staff.principal, patient_id, done)
    return staff.fragment("medicine_sheet.html", {"sheet": sheet, "site": staff.tenant.name})


@get("/patients/{patient_id:str}/medicines/note/{done:str}", sync_to_thread=True)
def note_page(staff: SignedInStaff, patient_id: FromPath[str], done: FromPath[str]) -> Response[str]:
    """The note for the pharmacy, to be faxed or handed over."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        sheet = medicine_done.sheet(staff.app, tx, staff.principal, patient_id, done)
    return staff.fragment("medicine_note.html", {"sheet": sheet, "site": staff.tenant.name})


def _chosen(form: Mapping[str, str]) -> Chosen:
    """The form by rows: `choice-<row>`, `why-<row>` and so on. A row with no choice of its own is not named."""
    rows: dict[str, dict[str, str]] = {}
    for name, value in form.items():
        field, _, row = name.partition("-")
        if row and field in _FIELDS:
            rows.setdefault(row, {})[field] = value
    revision = form.get("revision", "")
    chosen = {row: fields for row, fields in rows.items() if "choice" in fields}
    return Chosen(rows=chosen, kept=form.get("kept") == "1", revision=int(revision) if revision.isdecimal() else None)


def _page(
    staff: Staff,
    patient_id: str,
    *,
    faults: Any = (),
    problem: str = "",
    status: int = 200,
    is_part: bool = False,
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
    values = {
        "page": page,
        "groups": _groups(page),
        "against": _against(page),
        "columns": _columns(page),
        "reasons_of": words.reasons_of,
        "sources": words.SOURCES,
        "marked": _marked,
        "key_of": flow.key_of,
        "hold": HOLD,
        "faults": [(fault.at, f"Still needed: {fault.expected}.") for fault in faults],
        "problem": problem,
        "key": new_key(),
    }
    if is_part:
        return staff.fragment("medicines_compare_form.html", values, status=status)
    return staff.page("medicines_compare.html", HERE, values, status=status, about=patient_id)


def _groups(page: ComparePage) -> list[tuple[Group, str, tuple[Row, ...]]]:
    """The groups in their order with what they are called; empty ones are left out."""
    three = len(page.comparison.sides) > 2
    left = {Side.HOSPITAL: "hospital list", Side.CLINIC: "our list"}.get(page.comparison.left or Side.HOME, "this list")
    titles = {
        Group.DIFFERENT: "Different",
        Group.ONLY_LEFT: f"Only on {left}",
        Group.ONLY_RIGHT: "Only at home or on our list" if three else _only_right(page),
        Group.SAME: "Same on all" if three else "Same on both",
    }
    found = [(group, titles[group], page.comparison.group(group)) for group in Group]
    return [one for one in found if one[2]]


def _against(page: ComparePage) -> str:
    """`Hospital list from 20 Nov against what Rosa takes at home (pharmacy fills, 3 Nov; the patient, 3 Nov)`."""
    told: dict[Side, list[str]] = {}
    for one in page.comparison.lists:
        day = f"{one.told.day} {one.told:%b}" if one.told else "no date"
        told.setdefault(one.side, []).append(
            day if one.side is not Side.HOME else f"{words.SOURCES[one.source]}, {day}"
        )
    given = page.header.name.split()[0] if page.header.name else "the patient"
    heads = {Side.HOSPITAL: "hospital list from {}", Side.CLINIC: "our list from {}"}
    heads[Side.HOME] = f"what {given} takes at home ({{}})"
    said = [heads[side].format("; ".join(told[side])) for side in page.comparison.sides]
    if not said:
        return "No list is on record yet. Write down what is taken at home, or wait for the hospital's list."
    rest = " and ".join(said[1:]) or "nothing else yet: one list alone is not verified"
    text = f"{said[0]} against {rest}"
    return text[:1].upper() + text[1:]


def _only_right(page: ComparePage) -> str:
    return "Only at home" if Side.HOME in page.comparison.sides else "Only on our list"


def _columns(page: ComparePage) -> list[tuple[Side, str, str]]:
    """Side, head of the column, and the short word that stands before it on a phone."""
    given = page.header.name.split()[0] if page.header.name else "The patient"
    heads = {
        Side.HOSPITAL: ("Hospital says", "Hospital"),
        Side.CLINIC: ("Our list says", "Our list"),
        Side.HOME: (f"{given} takes", "At home"),
    }
    return [(side, *heads[side]) for side in page.comparison.sides]


def _marked(entry: Entry, row: Row) -> list[tuple[str, bool]]:
    """What an entry says in parts, each with whether others say it differently; neighbours of a kind stand together."""
    others = [_said(one).split(", ") for one in row.entries if one.side is not entry.side]
    found: list[tuple[str, bool]] = []
    for part in _said(entry).split(", "):
        differs = not others or any(part not in one for one in others)
        if found and found[-1][1] is differs:
            found[-1] = (f"{found[-1][0]}, {part}", differs)
        else:
            found.append((part, differs))
    return found


def _said(entry: Entry) -> str:
    resting = {"stopped": "Stopped", "not-taken": "Does not take it", "on-hold": "On hold"}
    return resting.get(entry.state.value) or entry.said or entry.strength or "Directions not told"


def _done(staff: Staff, patient_id: str, done: str, *, problem: str = "", status: int = 200) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = medicine_done.page(staff.app, tx, staff.principal, patient_id, done)
    values = {"page": page, "problem": problem, "key": new_key(), "ways": medicine_done.WAYS}
    return staff.page("medicines_done.html", HERE, values, status=status, about=patient_id)
