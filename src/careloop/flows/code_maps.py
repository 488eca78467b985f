"""The official HL7 v2-to-FHIR code maps as concept maps, so that `$translate` answers from what intake works by."""

import re
from collections import defaultdict
from typing import Any

from careloop.catalog import Catalog
from careloop.intake.tables import CodeMap, CodeMaps, table_system
from careloop.terminology import Terminology

URL = "urn:careloop:hl7v2-map:"


def product_terminology(catalog: Catalog) -> Terminology:
    """The terminology that ships, with the code maps of the catalog (a site's own where it has some)."""
    return Terminology.load().with_resources([], [], concept_maps(catalog))


def concept_maps(catalog: Catalog) -> list[dict[str, Any]]:
    """Each code map as a ConceptMap. A code that stays the same is equal; of others the guide says no more than that
    they go together, which is `relatedto`."""
    return [_concept_map(one) for one in CodeMaps.of(catalog.mapping("hl7v2-tables")).by_name.values()]


def _concept_map(code_map: CodeMap) -> dict[str, Any]:
    elements: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for code, target in code_map.targets.items():
        to: dict[str, Any] = {"code": target.code, "equivalence": "equal" if code == target.code else "relatedto"}
        if target.display:
            to["display"] = target.display
        elements[target.system].append({"code": code, "target": [to]})
    source = table_system(code_map.table)
    return {
        "resourceType": "ConceptMap",
        "url": URL + re.sub(r"\W+", "-", code_map.name).strip("-").lower(),
        "name": code_map.name,
        "status": "active",
        "group": [{"source": source, "target": system, "element": rows} for system, rows in elements.items()],
    }
