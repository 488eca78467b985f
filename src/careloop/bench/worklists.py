"""`careloop bench worklist`: the first page of a worklist at the browser's door, among very many loops."""

import http.client
import time
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from careloop.access.accounts import NewAccount, create_account
from careloop.access.keys import open_keyring
from careloop.access.model import Role
from careloop.bench import made_up
from careloop.bench.figures import Figure, Figures, at_most, percentile
from careloop.bench.installation import PASSWORD, Place, installation, resident_megabytes, running_server
from careloop.db import Database, load_queries
from careloop.fhir.ids import new_id
from careloop.flows import staffing
from careloop.flows.bulk import import_bundles
from careloop.flows.staffing import NewStaff

PAGE_AIM, WEB_AIM = 100.0, 200.0
_PAGES = 300
_OPENED = 2_000
_SQL = load_queries("careloop.bench")


def run(patients: int, loops: int, owners: int, command: str) -> Figures:
    """Makes the practice, then opens worklist pages one after the other as one signed-in coordinator."""
    with installation() as place:
        references = _staff(place, owners)
        now = place.app.clock.now()
        started = time.perf_counter()
        import_bundles(place.app, place.tenant, place.principal, made_up.patients(patients))
        opened = min(loops, _OPENED)
        import_bundles(place.app, place.tenant, place.principal, made_up.discharges(opened, references, now))
        standing = _copied(place, opened, loops)
        filled = time.perf_counter() - started
        with running_server(place) as facts:
            browser = Browser(str(facts["url"]))
            browser.sign_in("owner0@bench", PASSWORD)
            limit = [browser.seconds("/healthz") for _ in range(_PAGES)]
            pages = [browser.seconds("/worklist") for _ in range(_PAGES)]
            memory = resident_megabytes(int(facts["pid"]))
    return Figures(
        benchmark="worklist",
        command=command,
        figures=[
            Figure(name="patients", value=patients, unit=""),
            Figure(
                name="open loops", value=standing, unit=f"{opened} by the real path, the others copies; {filled:.0f} s"
            ),
            Figure(name="owners", value=owners, unit=""),
            Figure(name="page p50", value=percentile(pages, 0.5) * 1000, unit="ms"),
            at_most("page p95", percentile(pages, 0.95) * 1000, "ms", PAGE_AIM),
            Figure(name="limit: an empty answer p95", value=percentile(limit, 0.95) * 1000, unit="ms"),
            Figure(name="page against the limit", value=percentile(pages, 0.5) / percentile(limit, 0.5), unit="times"),
            at_most("web memory", memory.get("web", 0.0), "MB", WEB_AIM),
        ],
    )


def _copied(place: Place, opened: int, loops: int) -> int:
    """Loops beyond those that the real path opened are copies of them for other patients: the lists read the same
    rows. How many loops are open then."""
    for copy in range(1, -(-loops // opened)):
        with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
            tx.execute(_SQL["copy_loops"], {"copy": copy, "opened": opened})
            tx.execute(_SQL["copy_steps"], {"copy": copy, "opened": opened})
    settle(place)
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        return int(tx.value(_SQL["count_open"]))


def settle(place: Place) -> None:
    """The planner knows the tables as they are now."""
    owner = Database(place.urls.owner, max_size=1).open()
    with owner.directory() as tx:
        tx.execute(_SQL["take_statistics"])
    owner.close()


def _staff(place: Place, owners: int) -> list[str]:
    """References of so many coordinators. Only the first can sign in: hashing passwords takes its time."""
    manager = replace(place.principal, roles=frozenset({Role.MANAGER}))
    person = NewStaff(username="owner0", name="Owner Zero", roles=[Role.COORDINATOR], password=PASSWORD)
    made = [staffing.create_account(place.app, manager, place.tenant, person).member]
    keys = open_keyring(place.app.settings.data_dir)
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        for number in range(1, owners):
            account = NewAccount(
                id=new_id(), username=f"owner{number}", name=f"Owner {number}", practitioner_id=new_id(),
                roles=[Role.COORDINATOR],
            )  # fmt: skip
            made.append(create_account(tx, keys, place.app.clock.now(), account))
    return [member.reference for member in made]


class Browser:
    """One connection with cookies, like a browser that keeps a page open."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._origin = url
        self._connection = http.client.HTTPConnection(self._host, timeout=60)
        self._cookies: dict[str, str] = {}

    def sign_in(self, username: str, password: str) -> None:
        """The session is open."""
        self._ask("GET", "/sign-in")
        form = {"username": username, "password": password, "csrf": self._cookies.get("careloop_before", "")}
        status = self._ask("POST", "/sign-in", urlencode(form))
        if status not in (200, 302, 303):
            raise ConnectionError(f"sign-in was answered with {status}")

    def seconds(self, path: str) -> float:
        """From asking to the last byte of a page."""
        started = time.perf_counter()
        status = self._ask("GET", path)
        if status != 200:
            raise ConnectionError(f"{path} was answered with {status}")
        return time.perf_counter() - started

    def _ask(self, method: str, path: str, body: str | None = None) -> int:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self._origin}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status
