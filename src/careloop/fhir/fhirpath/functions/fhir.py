"""What FHIR adds to FHIRPath: extensions, references, types, terminology, and the keys of SQL on FHIR. (FHIR 2.9.1)"""

from collections.abc import Mapping, Sequence
from typing import Any

from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.functions.registry import Family
from careloop.fhir.fhirpath.navigation import children, descendants, untyped
from careloop.fhir.fhirpath.runtime import (
    FALSE,
    NONE,
    TRUE,
    Closure,
    Environment,
    Items,
    boolean,
    text_of,
)
from careloop.fhir.fhirpath.syntax import Call, type_name
from careloop.fhir.fhirpath.types import SYSTEM_TYPES, is_known, is_of, is_resource, split_name, system_name

FHIR = Family()

STRUCTURE_BASE = "http://hl7.org/fhir/StructureDefinition/"


@FHIR.eager("children")
def child_items(focus: Items, environment: Environment) -> Items:
    """Every element directly in the items."""
    found = [child for item in focus for child in children(item)]
    environment.spend(len(found))
    return found


@FHIR.eager("descendants")
def descendant_items(focus: Items, environment: Environment) -> Items:
    """Every element anywhere in the items."""
    return descendants(focus, environment)


def _inner(item: Any) -> Mapping[str, Any]:
    """The JSON object that holds an item's extensions."""
    if type(item) is not tuple:
        return {}
    found = item[0] if isinstance(item[0], dict) else item[2]
    return found if isinstance(found, dict) else {}


@FHIR.eager("extension", least=1)
def extension(focus: Items, environment: Environment, address: Items) -> Items:
    """The extensions with an address."""
    url = text_of(address)
    return [
        (one, "Extension", None)
        for item in focus
        for one in _inner(item).get("extension") or ()
        if isinstance(one, dict) and one.get("url") == url
    ]


@FHIR.eager("hasExtension", least=1)
def has_extension(focus: Items, environment: Environment, address: Items) -> Items:
    """True where an item has an extension with the address."""
    return boolean(bool(extension(focus, environment, address)))


@FHIR.eager("hasValue")
def has_value(focus: Items, environment: Environment) -> Items:
    """True for a single primitive that has a value and not only extensions."""
    if len(focus) != 1:
        return FALSE
    item = focus[0]
    value = item[0] if type(item) is tuple else item
    return boolean(value is not None and not isinstance(value, dict | list))


@FHIR.eager("getValue")
def get_value(focus: Items, environment: Environment) -> Items:
    """The value of a single primitive, as a System value."""
    if has_value(focus, environment) is FALSE:
        return NONE
    item = focus[0]
    return [item[0] if type(item) is tuple else item]


@FHIR.eager("resolve")
def resolve(focus: Items, environment: Environment) -> Items:
    """The resources that references (or addresses) name; those that cannot be found are left out."""
    found = []
    environment.spend(len(focus) * 10)
    for item in focus:
        target = _resolved(_address(item), environment)
        if target is not None:
            found.append(untyped(target, None, None))
    return found


def _address(item: Any) -> str | None:
    value = item[0] if type(item) is tuple else item
    if isinstance(value, dict):
        value = value.get("reference")
    return value if isinstance(value, str) else None


def _resolved(address: str | None, environment: Environment) -> Mapping[str, Any] | None:
    if address is None:
        return None
    root = environment.root[0][0] if environment.root and type(environment.root[0]) is tuple else {}
    if address.startswith("#"):
        return _contained(address[1:], root, environment)
    if isinstance(root, dict) and root.get("resourceType") == "Bundle":
        inside = _in_bundle(address, root)
        if inside is not None:
            return inside
    return environment.resolver(address) if environment.resolver is not None else None


def _contained(name: str, root: Any, environment: Environment) -> Mapping[str, Any] | None:
    for holder in (environment.resource[0][0] if environment.resource else None, root):
        if not isinstance(holder, dict):
            continue
        if not name:
            return holder
        for one in holder.get("contained") or ():
            if isinstance(one, dict) and one.get("id") == name:
                return one
    return None


def _in_bundle(address: str, bundle: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for entry in bundle.get("entry") or ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        named = f"{resource.get('resourceType')}/{resource.get('id')}"
        if address in (entry.get("fullUrl"), named) or str(entry.get("fullUrl", "")).endswith("/" + address):
            return resource
    return None


def checked_type(name: str | None, position: int) -> tuple[str | None, str]:
    """A type's namespace and name; `Rejected` for one that is not known."""
    if name is None:
        raise wrong("the name of a type", position)
    namespace, plain = split_name(name)
    is_system = namespace != "FHIR" and plain in SYSTEM_TYPES
    is_fhir = namespace != "System" and is_known(plain)
    if not (is_system or is_fhir) and namespace != "System":
        raise wrong("a type of FHIR R4 or of FHIRPath", position)
    return namespace, plain


@FHIR.lazy("ofType", least=1, takes_type=True)
def of_type(arguments: Sequence[Closure], call: Call) -> Closure:
    """The items of a type."""
    namespace, name = checked_type(type_name(call.arguments[0]), call.position)
    return lambda focus, environment: [item for item in focus if is_of(item, namespace, name, exact=True)]


@FHIR.lazy("as", least=1, takes_type=True)
def as_type(arguments: Sequence[Closure], call: Call) -> Closure:
    """The single item, if it is of a type."""
    return casting(type_name(call.arguments[0]), call.position)


@FHIR.lazy("is", least=1, takes_type=True)
def is_type(arguments: Sequence[Closure], call: Call) -> Closure:
    """True where the single item is of a type."""
    return testing(type_name(call.arguments[0]), call.position)


def casting(name: str | None, position: int) -> Closure:
    """A closure that keeps a single item of a type."""
    namespace, plain = checked_type(name, position)

    def closure(focus: Items, environment: Environment) -> Items:
        if len(focus) > 1:
            if environment.as_filters:
                return [item for item in focus if is_of(item, namespace, plain, exact=True)]
            raise wrong("a single item to take as a type", position)
        if focus and not is_of(focus[0], namespace, plain, exact=True):
            if environment.is_strict:
                raise wrong("a type that the item can have", position)
            return NONE
        return focus

    return closure


def testing(name: str | None, position: int) -> Closure:
    """A closure that tells whether a single item is of a type."""
    namespace, plain = checked_type(name, position)

    def closure(focus: Items, environment: Environment) -> Items:
        if not focus:
            return NONE
        if len(focus) > 1:
            raise wrong("a single item whose type is asked", position)
        return TRUE if is_of(focus[0], namespace, plain) else FALSE

    return closure


@FHIR.eager("type")
def type_of(focus: Items, environment: Environment) -> Items:
    """Namespace and name of each item's type."""
    found: Items = []
    for item in focus:
        system = system_name(item)
        if system is None and item[1] is None and not isinstance(item[0], dict):
            system = system_name(item[0])
        kind = system or item[1] or _name_without_model(item)
        found.append(({"namespace": "System" if system else "FHIR", "name": kind}, None, None))
    return found


def _name_without_model(item: Any) -> str:
    return str(item[0].get("resourceType") or "object") if isinstance(item[0], dict) else "element"


@FHIR.eager("memberOf", least=1)
def member_of(focus: Items, environment: Environment, value_set: Items) -> Items:
    """True where a code, Coding or CodeableConcept is in the value set; nothing where that is not known."""
    url = text_of(value_set)
    if len(focus) != 1 or url is None or environment.member_of is None:
        return NONE
    answers = [environment.member_of(url, system, code) for system, code in _codes(focus[0])]
    if True in answers:
        return TRUE
    return NONE if not answers or None in answers else FALSE


def _codes(item: Any) -> list[tuple[str | None, str]]:
    value = item[0] if type(item) is tuple else item
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, dict):
        return []
    codings = value.get("coding") if "coding" in value else [value]
    return [
        (one.get("system"), one["code"])
        for one in codings or ()
        if isinstance(one, dict) and isinstance(one.get("code"), str)
    ]


@FHIR.eager("conformsTo", least=1)
def conforms_to(focus: Items, environment: Environment, profile: Items) -> Items:
    """True where the single resource follows a profile; R4's own types are known, others through the given check."""
    url = text_of(profile)
    if len(focus) != 1 or url is None:
        return NONE
    item = focus[0]
    if environment.conforms is not None and type(item) is tuple and isinstance(item[0], dict):
        answer = environment.conforms(item[0], url)
        if answer is not None:
            return boolean(answer)
    name = url.removeprefix(STRUCTURE_BASE)
    if name == url or not is_known(name):
        raise wrong("a profile that is known")
    return boolean(is_of(item, "FHIR", name))


@FHIR.eager("checkModifiers", least=0, most=50)
def check_modifiers(focus: Items, environment: Environment, *allowed: Items) -> Items:
    """The items as they came; `Rejected` where one has a modifier extension that is not named."""
    known = {text_of(one) for one in allowed}
    for item in focus:
        if any(one.get("url") not in known for one in _inner(item).get("modifierExtension") or ()):
            raise wrong("no modifier extension but those named")
    return focus


@FHIR.eager("getResourceKey")
def get_resource_key(focus: Items, environment: Environment) -> Items:
    """The key of each resource, the same that `getReferenceKey` gives for a reference to it: its id."""
    return [item[0]["id"] for item in focus if type(item) is tuple and is_resource(item[1]) and "id" in item[0]]


@FHIR.lazy("getReferenceKey", most=1, takes_type=True)
def get_reference_key(arguments: Sequence[Closure], call: Call) -> Closure:
    """The key of the resource that each reference names (of one type)."""
    wanted = checked_type(type_name(call.arguments[0]), call.position)[1] if call.arguments else None

    def closure(focus: Items, environment: Environment) -> Items:
        return [key for item in focus if (key := _key(_address(item), wanted)) is not None]

    return closure


def _key(address: str | None, wanted: str | None) -> str | None:
    if address is None or address.startswith(("#", "urn:")):
        return None
    parts = address.split("/_history/")[0].split("?")[0].split("/")
    if len(parts) < 2 or not is_resource(parts[-2]) or (wanted is not None and parts[-2] != wanted):
        return None
    return parts[-1]
