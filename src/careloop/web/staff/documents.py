"""Document inbox: pages that came by fax or upload, attached by their code or by a person (ui.md §7.13)."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import document_inbox as flow
from careloop.flows import paper_filing, people, phoning
from careloop.flows.paper_candidates import candidates as found
from careloop.web.rendering import PAGE_HEADERS
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/documents"
_STATUSES = (("waiting", "Waiting"), ("attached", "Attached"), ("set-aside", "Set aside"))


@get("/documents", sync_to_thread=True)
def documents_page(staff: SignedInStaff, status: FromQuery[str] = "waiting") -> Response[str]:
    """What waits, the most urgent first; what codes attached and wants a glance."""
    return _list(staff, status)


@post("/documents")
async def documents_send(request: Request[Any, Any, Any], staff: SignedInStaff) -> Response[str]:
    """A file is taken; it is attached at once where it has a code of ours. The form is read after it is known who
    sends it."""
    data = (await request.form()).dict()
    return await sync_to_thread(_take, staff, data)


def _take(staff: Staff, data: Mapping[str, Any]) -> Response[str]:
    texts = {name: values[-1] for name, values in data.items() if isinstance(values[-1], str)}
    checked_form(staff, texts)
    file = next(iter(data.get("file", ())), None)
    if not isinstance(file, UploadFile):
        return _list(staff, "waiting", problem="Choose a file first: a PDF, a TIFF or a JPEG.")
    try:
        done = flow.receive(staff.app, staff.principal, file.filename or "file", file.file.read(), "upload")
    except Rejected as error:
        return _list(staff, "waiting", problem=f"This file was not taken. Please send {error.expected}.")
    if done.repeated:
        return staff.back(f"/papers/{done.paper_id}", said="This very file was here before. Nothing was added.")
    if done.attached:
        return staff.back(f"/papers/{done.paper_id}", said="Attached by its code. Please have a glance.")
    return staff.back(f"/papers/{done.paper_id}", said="Saved. It waits until somebody says whose it is.")


@get("/papers/{paper_id:str}", sync_to_thread=True)
def paper_page(staff: SignedInStaff, paper_id: FromPath[str], zoom: FromQuery[int] = 0) -> Response[str]:
    """One paper: its pages, and to whom it may belong."""
    return _paper(staff, paper_id, zoom=bool(zoom))


@get("/papers/{paper_id:str}/pages/{place:int}", sync_to_thread=True)
def paper_image(staff: SignedInStaff, paper_id: FromPath[str], place: FromPath[int]) -> Response[bytes]:
    """One page as an image."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        image = flow.image(staff.app, tx, staff.principal, paper_id, place)
    return Response(image, media_type="image/png", headers=PAGE_HEADERS)


@post("/papers/{paper_id:str}/find", sync_to_thread=True, status_code=200)
def paper_find(staff: SignedInStaff, paper_id: FromPath[str], data: Form) -> Response[str]:
    """The page again, with the people that were looked for."""
    return _paper(staff, paper_id, find=checked_form(staff, data).get("text", ""))


@post("/papers/{paper_id:str}/attach", sync_to_thread=True)
def paper_attach(staff: SignedInStaff, paper_id: FromPath[str], data: Form) -> Response[str]:
    """The paper is a document of the chosen person."""
    form = checked_form(staff, data)
    patient_id, _, matter = form.get("to", "").partition("|")
    if not patient_id:
        return _paper(staff, paper_id, problem="Choose whose it is first.")
    try:
        flow.attach(
            staff.app,
            staff.principal,
            paper_id,
            patient_id=patient_id,
            kind=form.get("kind", ""),
            matter=matter or None,
        )
    except (Rejected, Conflict, NotFound) as error:
        return _paper(staff, paper_id, problem=error.message, status=409 if isinstance(error, Conflict) else 422)
    return staff.back(HERE, said="Attached.")


@post("/papers/{paper_id:str}/glance", sync_to_thread=True)
def paper_glance(staff: SignedInStaff, paper_id: FromPath[str], data: Form) -> Response[str]:
    """A person has looked at what a code attached."""
    try:
        flow.glance(staff.app, staff.principal, paper_id, checked_form(staff, data).get("kind", ""))
    except (Rejected, Conflict) as error:
        return _paper(staff, paper_id, problem=error.message)
    return staff.back(f"{HERE}?status=attached", said="Looked at.")


@post("/papers/{paper_id:str}/detach", sync_to_thread=True)
def paper_detach(staff: SignedInStaff, paper_id: FromPath[str], data: Form) -> Response[str]:
    """It was attached wrongly: it waits again."""
    try:
        flow.detach(staff.app, staff.principal, paper_id, checked_form(staff, data).get("why", ""))
    except (Rejected, Conflict) as error:
        return _paper(staff, paper_id, problem=error.message)
    return staff.back(f"/papers/{paper_id}", said="Taken back. It waits again.")


@post("/papers/{paper_id:str}/set-aside", sync_to_thread=True)
def paper_set_aside(staff: SignedInStaff, paper_id: FromPath[str], data: Form) -> Response[str]:
    """It belongs to nobody here."""
    try:
        flow.set_aside(staff.app, staff.principal, paper_id, checked_form(staff, data).get("why", ""))
    except (Rejected, Conflict) as error:
        return _paper(staff, paper_id, problem=error.message)
    return staff.back(HERE, said="Set aside. The pages are kept.")


@post("/papers/{paper_id:str}/turn", sync_to_thread=True)
def paper_turn(staff: SignedInStaff, paper_id: FromPath[str], data: Form) -> Response[str]:
    """A page, or all, are turned by a quarter."""
    form = checked_form(staff, data)
    try:
        flow.turn(staff.app, staff.principal, paper_id, _number(form.get("place", "")), _number(form.get("by", "")))
    except (Rejected, Conflict, NotFound) as error:
        return _paper(staff, paper_id, problem=error.message)
    return staff.back(f"/papers/{paper_id}", said="Turned.")


@post("/papers/{paper_id:str}/split", sync_to_thread=True)
def paper_split(staff: SignedInStaff, paper_id: FromPath[str], data: Form) -> Response[str]:
    """The pages from here on are a paper of their own."""
    form = checked_form(staff, data)
    try:
        part = flow.split(staff.app, staff.principal, paper_id, _number(form.get("place", "")))
    except (Rejected, Conflict, NotFound) as error:
        return _paper(staff, paper_id, problem=error.message)
    return staff.back(f"/papers/{part}", said="Split. This is the second part; the first waits in the list.")


def _number(text: str) -> int:
    """A whole number of a form, -1 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else -1


def _list(staff: Staff, status: str, *, problem: str = "") -> Response[str]:
    known = status if status in dict(_STATUSES) else "waiting"
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        papers = flow.listed(staff.app, tx, staff.principal, known)
        ids = [one.patient_id for one in papers if one.patient_id]
        shown = people.patients_shown(staff.app, tx, ids, staff.now, staff.words.zone)
        counts = flow.counts(staff.app, tx)
    values = {
        "papers": papers,
        "names": {key: one.name for key, one in shown.items()},
        "kinds": paper_filing.kinds_of(staff.app),
        "counts": counts,
        "status": known,
        "statuses": _STATUSES,
        "problem": problem,
    }
    return staff.page("documents.html", HERE, values, status=422 if problem else 200)


def _paper(
    staff: Staff, paper_id: str, *, problem: str = "", find: str = "", zoom: bool = False, status: int = 200
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        paper = flow.show(staff.app, tx, staff.principal, paper_id)
        candidates = found(staff.app, tx, staff.principal, paper, find) if paper.status == "waiting" else []
        ids = [paper.patient_id] if paper.patient_id else []
        names = people.patients_shown(staff.app, tx, ids, staff.now, staff.words.zone)
        links = flow.links_on(staff.app, tx, paper.pages)
        unjudged = phoning.unjudged(staff.app, tx, paper.matter) if paper.status == "attached" and paper.matter else 0
    kinds = paper_filing.kinds_of(staff.app)
    expected = next((paper_filing.kind_for(staff.app, one, is_sheet=False) for one in links.values()), "")
    values = {
        "paper": paper,
        "patient": names[paper.patient_id].name if paper.patient_id else "",
        "candidates": candidates,
        "kinds": kinds,
        "kind": paper.kind or expected or next(iter(kinds)),
        "born": born_words,
        "find": find,
        "zoom": zoom,
        "unjudged": unjudged,
        "problem": problem,
    }
    return staff.page("paper.html", HERE, values, status=422 if problem and status == 200 else status)
