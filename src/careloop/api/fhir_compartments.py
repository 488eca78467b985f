"""`/fhir?_type=…`, `/fhir/Patient/1/Observation`, `/fhir/Patient/1/*`: searches that are not about one type alone."""

from functools import partial

from litestar import post, route
from litestar.di import NamedDependency
from litestar.params import FromPath, RawBody

from careloop.access.model import Principal
from careloop.api import fhir_answers as answers
from careloop.api import fhir_requests as requests
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_requests import AnyRequest, FhirRequest
from careloop.api.fhir_shaping import texts_of
from careloop.flows.wide_search import EVERY, WideAsked, search_wide

Path = FromPath[str]
Known = NamedDependency[Principal]

reading = partial(route, http_method=["GET", "HEAD"], status_code=200, sync_to_thread=True)
posting = partial(post, status_code=200, sync_to_thread=True)


@reading("/")
def search_system(request: AnyRequest, principal: Known) -> Answer:
    """A page of the resources of the types in `_type`."""
    return _search(request, principal, None, EVERY, None)


@posting("/_search")
def search_system_by_form(request: AnyRequest, principal: Known, body: RawBody) -> Answer:
    """The same with the parameters in a form."""
    return _search(request, principal, None, EVERY, body)


@reading("/{resource_type:str}/{resource_id:str}/{inside:str}")
def search_compartment(
    request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, inside: Path
) -> Answer:
    """A page of the resources of one type, or of all with `*`, that are in the compartment of a resource."""
    return _search(request, principal, f"{resource_type}/{resource_id}", inside, None)


@posting("/{resource_type:str}/{resource_id:str}/{inside:str}/_search")
def search_compartment_by_form(
    request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, inside: Path, body: RawBody
) -> Answer:
    """The same with the parameters in a form."""
    return _search(request, principal, f"{resource_type}/{resource_id}", inside, body)


@posting("/{resource_type:str}/{resource_id:str}/_search")
def search_whole_compartment_by_form(
    request: AnyRequest, principal: Known, resource_type: Path, resource_id: Path, body: RawBody
) -> Answer:
    """All types of a compartment, with the parameters in a form."""
    return _search(request, principal, f"{resource_type}/{resource_id}", EVERY, body)


def _search(
    request: AnyRequest, principal: Principal, compartment: str | None, inside: str, body: bytes | None
) -> Answer:
    requests.check_accept(request)
    fhir = FhirRequest(request, principal)
    form = requests.form_body(request, body) if body is not None else None
    pairs = fhir.parameters(form)
    asked = WideAsked(
        parameters=pairs, compartment=compartment, resource_type=inside, base=fhir.base, lenient=fhir.lenient
    )
    page = fhir.run(lambda door: search_wide(door.app, door.tx, principal, asked))
    path = "" if compartment is None else f"{compartment}/{inside}"
    return answers.of_page(fhir, page, path, pairs, texts_of(list(page.entries), page.request))


handlers = [
    search_system, search_system_by_form, search_compartment, search_compartment_by_form,
    search_whole_compartment_by_form,
]  # fmt: skip
