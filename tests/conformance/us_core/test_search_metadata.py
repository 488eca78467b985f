"""US Core's own search metadata (the oracle behind the Inferno tests), exercised over HTTP against a loaded server.

For every profile: the interactions, every required search and combination, comparators, several values, includes,
must-support elements. An answer must hold every resource that satisfies the search, and nothing else.
"""

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import TestClient
from tests.conformance.examples.pack import examples
from tests.conformance.us_core.oracle import at, matches, search_values, span
from tests.conftest import make_tenant

from careloop.access.clients import create_client
from careloop.access.model import system_principal
from careloop.access.tokens import issue_token
from careloop.api import fhir
from careloop.fhir.jsons import decode
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document

pytestmark = pytest.mark.shared

Resource = dict[str, Any]
Group = dict[str, Any]

RELEASES = ("v3.1.1", "v8.0.0")
OTHERS = ("v4.0.0", "v5.0.1", "v6.1.0", "v7.0.0")
TYPES = ("not-ours", "suite-fault", "not-yet", "other-dialect", "r5-only")
EXCLUSIONS = yaml.safe_load(Path(__file__).with_name("exclusions.yaml").read_text())["us-core"]
EXCLUDED = {(entry["release"], entry["profile"], entry["search"]) for entry in EXCLUSIONS}

BUNDLES = 3
DATES = ("date", "dateTime", "Period", "instant")
_TRIED = 3
"""So many resources of a profile are searched for by their own values."""


class Server:
    """A loaded server, what was loaded, and answers that were given already."""

    def __init__(self, http: TestClient[Any], resources: dict[str, dict[str, Resource]]) -> None:
        self.http = http
        self.resources = resources
        self.statement = http.get("/fhir/metadata").json()["rest"][0]
        self._answers: dict[str, dict[str, Resource]] = {}

    def search(self, kind: str, pairs: list[tuple[str, str]]) -> dict[str, Resource]:
        """Everything that the search answers with, by `Type/id`, over all pages."""
        query = urlencode(pairs)
        known = self._answers.get(f"{kind}?{query}")
        if known is None:
            known = self._answers[f"{kind}?{query}"] = dict(self._pages(f"/fhir/{kind}?{query}&_count=500"))
        return known

    def _pages(self, url: str | None) -> Iterator[tuple[str, Resource]]:
        while url is not None:
            answer = self.http.get(url)
            assert answer.status_code == 200, (url, answer.text)
            page = answer.json()
            for entry in page.get("entry", ()):
                resource = entry["resource"]
                yield f"{resource['resourceType']}/{resource['id']}", resource
            url = next((one["url"] for one in page["link"] if one["relation"] == "next"), None)

    def of_profile(self, group: Group) -> list[Resource]:
        """Loaded resources that say they are of the profile; where none does, all of the type."""
        every = list(self.resources.get(group[":resource"], {}).values())
        own = [one for one in every if group[":profile_url"] in profiles(one)]
        return own or every


def profiles(resource: Resource) -> set[str]:
    return {one.partition("|")[0] for one in resource.get("meta", {}).get("profile", ())}


@pytest.fixture(scope="module")
def server(_app, shared) -> Iterator[Server]:
    """A practice with US Core's own examples and a few made-up charts."""
    tenant = make_tenant(_app.database)
    texts = [text for _, text in examples(shared, "us-core")]
    with gzip.open(shared / "data" / "synthea-r4-617" / "bundles.ndjson.gz") as lines:
        texts += list(islice(lines, BUNDLES))
    documents = [Document(label=str(number), text=text) for number, text in enumerate(texts)]
    report = import_bundles(_app, tenant, system_principal(tenant.id, "us-core"), documents)
    assert not report.rejects, report.rejects[:3]
    now = _app.clock.now()
    resources: dict[str, dict[str, Resource]] = {}
    with _app.database.transaction(tenant.id) as tx:
        made = create_client(tx, now, name="inferno", scope="system/*.cruds")
        token = issue_token(tx, made.client.id, made.client.scopes, now)
        for row in tx.rows("select type, id, body from resource where not deleted"):
            resources.setdefault(row["type"], {})[f"{row['type']}/{row['id']}"] = decode(row["body"])
    litestar = Litestar(route_handlers=fhir.routes, state=State({"careloop": _app}), logging_config=None)
    with TestClient(litestar) as http:
        http.headers.update({"Authorization": f"Bearer {token}"})
        yield Server(http, resources)


def groups(shared: Path, release: str) -> list[Group]:
    path = shared / "data" / "conformance" / "us-core-inferno-metadata" / f"{release}.yml"
    found: list[Group] = yaml.safe_load(path.read_text())[":groups"]
    return found


def test_every_exclusion_has_a_type_and_a_reason() -> None:
    for entry in EXCLUSIONS:
        assert entry["type"] in TYPES and len(entry["reason"]) > 20


every_release = pytest.mark.parametrize(
    "release", [*RELEASES, *(pytest.param(one, marks=pytest.mark.long) for one in OTHERS)]
)


@every_release
def test_required_interactions_are_offered_and_work(server: Server, shared: Path, release: str) -> None:
    offered = {one["type"]: {action["code"] for action in one["interaction"]} for one in server.statement["resource"]}
    for group in groups(shared, release):
        kind = group[":resource"]
        wanted = {one[":code"] for one in group[":interactions"] if one[":expectation"] in ("SHALL", "SHOULD")}
        assert wanted <= offered[kind], group[":name"]
        one = next(iter(server.resources.get(kind, {}).values()), None)
        if one is not None:
            path = f"/fhir/{kind}/{one['id']}"
            for url in (path, f"{path}/_history/1", f"{path}/_history"):
                assert server.http.get(url).status_code == 200, url


@every_release
def test_each_required_search_finds_what_it_should_and_nothing_else(server: Server, shared: Path, release: str) -> None:
    wrong: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    tried = 0
    for group in groups(shared, release):
        for search in group[":searches"]:
            for pairs in asked(server, group, search[":names"]):
                tried += 1
                missed, strays = compare(server, group, pairs)
                if missed or strays:
                    wrong[release, group[":name"], urlencode(pairs)] = (missed[:3], strays[:3])
    assert {key: value for key, value in wrong.items() if key not in EXCLUDED} == {}
    assert set(wrong) == {one for one in EXCLUDED if one[0] == release}, "an excluded search passes now"
    assert tried > 150


def asked(server: Server, group: Group, names: list[str]) -> Iterator[list[tuple[str, str]]]:
    """The searches by `names` that resources of the profile make: plain, with comparators, with several values."""
    definitions = group[":search_definitions"]
    complete = []
    for resource in server.of_profile(group):
        values = [
            first_value(resource, definitions[f":{name}" if f":{name}" in definitions else name]) for name in names
        ]
        if all(values):
            complete.append(list(zip(names, values, strict=True)))
    for number, pairs in enumerate(complete[:_TRIED]):
        yield [(name, value.rpartition("/")[2] if name == "patient" and number % 2 else value) for name, value in pairs]
    if complete:
        yield from compared(group, complete[0])
        yield from several(group, complete)


def definition(group: Group, name: str) -> Group:
    known = group[":search_definitions"]
    return known[f":{name}"] if f":{name}" in known else known[name]


def first_value(resource: Resource, about: Group) -> str | None:
    """The first value of the parameter; `ge` a day for what lasts, so that the search is met."""
    values = [value for path in about[":full_paths"] for value in at(resource, path)]
    if about[":type"] in DATES:
        values = [value for value in values if span(value) is not None]
        return (
            None if not values else values[0] if isinstance(values[0], str) else "ge" + next(search_values(values[0]))
        )
    if about[":type"] == "CodeableConcept":  # words alone are no token: they are asked for with `:text`
        values = [value for value in values if value.get("coding")]
    return next((found for value in values for found in search_values(value)), None)


def compared(group: Group, pairs: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """With each comparator, and as a range from both sides (`multipleAnd`)."""
    for place, (name, value) in enumerate(pairs):
        if definition(group, name)[":type"] not in DATES:
            continue
        day = value.removeprefix("ge")[:10]
        for comparator in ("gt", "ge", "lt", "le", "eq", "ne", "sa", "eb"):
            yield [*pairs[:place], (name, comparator + day), *pairs[place + 1 :]]
        yield [*pairs[:place], (name, "ge" + day[:4]), (name, f"lt{int(day[:4]) + 1}"), *pairs[place + 1 :]]


def several(group: Group, complete: list[list[tuple[str, str]]]) -> Iterator[list[tuple[str, str]]]:
    """With several values of one parameter (`multipleOr`), and with every code that the profile names."""
    first = complete[0]
    for place, (name, value) in enumerate(first):
        about = definition(group, name)
        if about[":type"] in DATES or name == "patient":
            continue
        others = [pairs[place][1] for pairs in complete[1:] if pairs[place][1] != value]
        values = list(dict.fromkeys([value, *others[:2], *map(str, about[":values"])]))
        if len(values) > 1 and not any("," in one for one in values):
            yield [*first[:place], (name, ",".join(values)), *first[place + 1 :]]


def compare(server: Server, group: Group, pairs: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """What the search should have found and did not, and the other way round."""
    wanted = set()
    for reference, resource in server.resources[group[":resource"]].items():
        if all(fits(resource, group, name, value) for name, value in pairs):
            wanted.add(reference)
    found = set(server.search(group[":resource"], pairs))
    return sorted(wanted - found), sorted(found - wanted)


def fits(resource: Resource, group: Group, name: str, value: str) -> bool:
    about = definition(group, name)
    return matches(resource, about[":full_paths"], about[":type"], value)


@every_release
def test_what_must_come_along_comes_along(server: Server, shared: Path, release: str) -> None:
    checked = 0
    for group in groups(shared, release):
        kind = group[":resource"]
        for include in group[":include_params"]:
            source, name, *target = include.split(":")
            for resource in [one for one in server.of_profile(group) if kind == source][:2]:
                paths = server_paths(resource, name)
                wanted = {
                    one
                    for one in paths
                    if exists(server, one) and one.partition("/")[0] in (target or [one.partition("/")[0]])
                }
                found = server.search(kind, [("_id", resource["id"]), ("_include", include)])
                assert set(found) == {f"{kind}/{resource['id']}", *wanted}, (include, resource["id"])
                checked += 1
        for include in group[":revincludes"]:
            source, name = include.split(":")
            for resource in server.of_profile(group)[:2]:
                own = f"{kind}/{resource['id']}"
                wanted = {
                    reference
                    for reference, one in server.resources.get(source, {}).items()
                    if own in server_paths(one, name)
                }
                found = server.search(kind, [("_id", resource["id"]), ("_revinclude", include)])
                assert set(found) == {own, *wanted}, (include, own)
                checked += 1
    assert checked > 30


ELEMENTS = {"medication": "medicationReference", "participant": "participant", "endpoint": "endpoint",
            "practitioner": "practitioner", "target": "target"}  # fmt: skip


def server_paths(resource: Resource, name: str) -> set[str]:
    """The references of one element, however deep in it."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("reference"), str):
                found.add(value["reference"].split("/_history/")[0])
            for key, one in value.items():
                if key not in ("onBehalfOf",):
                    walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(resource.get(ELEMENTS[name], []))
    return found


def exists(server: Server, reference: str) -> bool:
    return reference in server.resources.get(reference.partition("/")[0], {})


@every_release
def test_must_support_elements_come_back_as_they_were_sent(server: Server, shared: Path, release: str) -> None:
    wanted = present = 0
    for group in groups(shared, release):
        own = [
            one
            for one in server.resources.get(group[":resource"], {}).values()
            if group[":profile_url"] in profiles(one)
        ]
        if not own:
            continue
        answers = server.search(group[":resource"], [("_profile", group[":profile_url"])])
        for element in group[":must_supports"][":elements"]:
            path = f"{group[':resource']}." + ".".join(part.partition(":")[0] for part in element[":path"].split("."))
            sent = {one["id"] for one in own if at(one, path.replace("[x]", ""))}
            back = {one["id"] for one in answers.values() if at(one, path.replace("[x]", ""))}
            assert sent == back, (group[":name"], path)
            wanted, present = wanted + 1, present + bool(sent)
    assert present / wanted >= 0.8, f"{present} of {wanted} must-support elements are in the examples at all"


def test_a_form_finds_what_an_address_finds(server: Server) -> None:
    for kind, pairs in (
        ("Observation", {"patient": "Patient/example", "category": "laboratory"}),
        ("Patient", {"name": "shaw"}),
    ):
        by_form = server.http.post(f"/fhir/{kind}/_search", data=pairs).json()
        assert {one["resource"]["id"] for one in by_form["entry"]} == {
            one["id"] for one in server.search(kind, list(pairs.items())).values()
        }
