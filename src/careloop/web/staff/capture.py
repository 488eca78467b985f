"""The box on the patient page: what is typed is shown as what one save writes, then saved as one act (ui.md §7.2)."""

from typing import Annotated, Any

from litestar import Response, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.errors import Conflict, Rejected
from careloop.flows import capturing
from careloop.web.staff.capture_box import Box
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patients import page_of
from careloop.web.staff.worklist import new_key

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@post("/patients/{patient_id:str}/capture", sync_to_thread=True, status_code=200)
def capture_send(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """Shows what it would write, or writes what was shown."""
    form = checked_form(staff, data)
    given = data.get("sure", [])
    sure = tuple(str(one) for one in (given if isinstance(given, list) else [given]))
    if form.get("do") == "save":
        return _save(staff, patient_id, form, sure)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = capturing.preview(staff.app, tx, staff.principal, patient_id, form.get("text", ""))
    return _again(staff, patient_id, form, found, sure=sure, status=200 if found.is_good else 422)


def _save(staff: Staff, patient_id: str, form: dict[str, str], sure: tuple[str, ...]) -> Response[str]:
    text = form.get("text", "")
    try:
        receipt = staff.app.database.run(
            staff.tenant.id,
            lambda tx: capturing.save(
                staff.app, tx, staff.principal, patient_id, text,
                promise=form.get("promise", ""), sure=sure, key=form.get("key") or None,
            ),
            actor=staff.principal.reference,
        )  # fmt: skip
    except capturing.NotAsShown as error:
        is_asked = bool(error.preview.asks) and error.preview.promise == form.get("promise")
        status = 422 if is_asked else 409
        return _again(staff, patient_id, form, error.preview, sure=sure, problem=error.message, status=status)
    except (Rejected, Conflict) as error:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            found = capturing.preview(staff.app, tx, staff.principal, patient_id, text)
        status = 409 if isinstance(error, Conflict) else 422
        return _again(staff, patient_id, form, found, problem=error.message, status=status)
    return staff.back(f"/patients/{patient_id}", said=receipt.says, act=receipt.act_id)


def _again(
    staff: Staff,
    patient_id: str,
    form: dict[str, str],
    found: capturing.Preview,
    *,
    sure: tuple[str, ...] = (),
    problem: str = "",
    status: int = 200,
) -> Response[str]:
    box = Box(
        key=form.get("key") or new_key(),
        examples=capturing.grammar(staff.app).examples,
        text=form.get("text", ""),
        preview=found,
        sure=sure,
        problem=problem,
    )
    return page_of(staff, patient_id, box=box, status=status)
