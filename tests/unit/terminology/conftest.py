"""A small world of codes for tests of terminology."""

import pytest

from careloop.terminology import Terminology

COLOURS = {
    "resourceType": "CodeSystem", "url": "urn:colours", "version": "1", "name": "Colours", "content": "complete",
    "caseSensitive": True, "hierarchyMeaning": "is-a", "valueSet": "urn:colours:all",
    "concept": [
        {"code": "warm", "display": "Warm colour", "property": [{"code": "notSelectable", "valueBoolean": True}],
         "concept": [
             {"code": "red", "display": "Red", "property": [{"code": "hue", "valueString": "0"}], "concept": [
                 {"code": "crimson", "display": "Crimson red",
                  "designation": [{"language": "de", "value": "Purpurrot"}]},
             ]},
             {"code": "orange", "display": "Orange", "property": [{"code": "hue", "valueString": "30"}]},
         ]},
        {"code": "blue", "display": "Blue", "property": [{"code": "hue", "valueString": "240"}]},
        {"code": "purple", "display": "Purple", "property": [
            {"code": "parent", "valueCode": "red"}, {"code": "parent", "valueCode": "blue"}]},
        {"code": "mauve", "display": "Mauve", "property": [{"code": "status", "valueCode": "retired"}]},
    ],
}  # fmt: skip
SHAPES = {
    "resourceType": "CodeSystem", "url": "urn:shapes", "content": "fragment", "caseSensitive": False,
    "concept": [{"code": "Circle", "display": "Circle"}],
}  # fmt: skip


def value_set(url: str, *include: dict, exclude: tuple[dict, ...] = (), **compose) -> dict:
    """A ValueSet resource."""
    made = {"include": list(include), **compose}
    return {
        "resourceType": "ValueSet",
        "url": url,
        "compose": {**made, **({"exclude": list(exclude)} if exclude else {})},
    }


def every(system: str = "urn:colours", **more) -> dict:
    return {"system": system, **more}


def listed(*codes: str, system: str = "urn:colours") -> dict:
    return {"system": system, "concept": [{"code": one} for one in codes]}


def filtered(name: str, op: str, value: str, system: str = "urn:colours") -> dict:
    return {"system": system, "filter": [{"property": name, "op": op, "value": value}]}


@pytest.fixture(scope="session")
def product() -> Terminology:
    """The terminology that ships."""
    return Terminology.load()


@pytest.fixture(scope="session")
def knowing(product):
    """The product's terminology with the colours, the shapes and some value sets."""
    return lambda *value_sets: product.with_resources(value_sets, [COLOURS, SHAPES])
