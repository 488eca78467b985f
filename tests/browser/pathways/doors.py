"""The real doors of a running demo: its FHIR API with a client of its own, and its HL7v2 port."""

import itertools
import json
import os
import urllib.parse
import urllib.request
from datetime import datetime, timedelta
from typing import Any

from tests.browser.conftest import Site, send_hl7, wait_until_read

from careloop.clock import Clock

Json = dict[str, Any]
_numbers = itertools.count(10_000 + os.getpid() % 8_800 * 10)


def now() -> datetime:
    """The time of the running demo."""
    return Clock().now().replace(microsecond=0)


def ago(**parts: float) -> datetime:
    """So long before now."""
    return now() - timedelta(**parts)


def text(at: datetime) -> str:
    """As FHIR writes an instant."""
    return at.isoformat()


def unused_number() -> str:
    """A record number that no other patient of the run has."""
    return str(next(_numbers))


class Fhir:
    """What another system does: reads, searches and writes FHIR with its own credential."""

    def __init__(self, site: Site) -> None:
        self._base, client = f"{site.url}/fhir", site.clients[0]
        form = {
            "grant_type": "client_credentials",
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
            "scope": client["scope"],
        }
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{site.url}/oauth/token", data=body, timeout=20) as answer:
            self._token = json.loads(answer.read())["access_token"]

    def get(self, path: str) -> Json:
        """What stands at that path."""
        return self._send("GET", path)

    def put(self, resource: Json) -> Json:
        """The resource under its own id, as it is now."""
        return self._send("PUT", f"{resource['resourceType']}/{resource['id']}", resource)

    def found(self, path: str) -> list[Json]:
        """The resources that a search finds."""
        return [one["resource"] for one in self.get(path).get("entry", ())]

    def _send(self, method: str, path: str, body: Json | None = None) -> Json:
        request = urllib.request.Request(
            f"{self._base}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/fhir+json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: Json = json.loads(answer.read())
        return found


def adt(
    site: Site,
    event: str,
    *,
    family: str,
    number: str,
    at: datetime,
    kind: str = "I",
    admitted: datetime | None = None,
    left: datetime | None = None,
    disposition: str = "",
    when: str = "",
) -> None:
    """A message about a stay, sent through the MLLP port and read."""
    pv1 = [""] * 46
    pv1[0], pv1[1], pv1[2], pv1[3], pv1[4] = "PV1", "1", kind, "4W^401^A^STANNE", "E"
    pv1[19], pv1[36] = f"V{number}", disposition
    pv1[44], pv1[45] = _stamp(admitted), _stamp(left)
    lines = [
        f"MSH|^~\\&|ADT|STANNE|CARELOOP|PRACTICE|{_stamp(at)}||ADT^{event}|{event}-{number}-{at:%H%M%S}|P|2.5.1",
        f"EVN|{event}|{_stamp(at)}||||{_stamp(at)}",
        f"PID|1||{number}^^^STANNE^MR||{family}^{family[::-1]}||19{50 + int(number) % 40}0{1 + int(number) % 9}12|F"
        f"|||{number} ELM ST^^ALPHA^MA^{number}||^PRN^PH^^^555^55{number}",
        "|".join(pv1).rstrip("|"),
        *([f"PV2||||||||{when}"] if when else []),
    ]
    assert send_hl7(site, "\n".join(lines)) == "AA"
    wait_until_read(site)


def _stamp(at: datetime | None) -> str:
    return f"{at:%Y%m%d%H%M%S}+0000" if at else ""
