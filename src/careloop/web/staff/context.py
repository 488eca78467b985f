"""What every staff page needs: the process, who is signed in, the time, the frame around the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import MediaType

from careloop.access import accounts
from careloop.access.browser import (
    CSRF_FIELD,
    CSRF_HEADER,
    SAFE_METHODS,
    SESSION_COOKIE,
    BrowserRequest,
    check_csrf,
    check_origin,
    is_secure,
)
from careloop.access.model import Principal, Role, Tenant
from careloop.access.sessions import StaffSession, tenant_of
from careloop.errors import NotAuthenticated
from careloop.flows import notices
from careloop.flows.accounts import current_session
from careloop.flows.app import App
from careloop.web.rendering import PAGE_HEADERS, Words, render

SAID_COOKIE = "careloop_said"
LOOK_COOKIE = "careloop_look"
ASKED_BY_PAGES = frozenset({"/feeds/lines", "/worklist/state"})
"""What open pages ask for by themselves: it keeps nobody signed in."""
_STAFF = frozenset(
    {Role.COORDINATOR, Role.NURSE, Role.PHYSICIAN, Role.MANAGER, Role.ADMINISTRATOR, Role.COMMUNITY_HEALTH_WORKER}
)

KEYS: Sequence[tuple[str, str]] = (
    ("J K ↓ ↑", "next, previous row"),
    ("Enter O", "open patient"),
    ("B", "two-minute brief of the patient"),
    ("C", "call, start timer"),
    ("L", "log without calling"),
    ("1–4", "outcome"),
    ("Ctrl Enter", "save and next"),
    ("A", "hand over"),
    ("S", "snooze"),
    ("X", "select row, then A or S for all"),
    ("/", "filter this list"),
    ("E", "add proof"),
    ("N", "new note on the timeline"),
    ("+", "new loop"),
    ("M", "compare medicines"),
    ("Z", "undo last save (10 min)"),
    ("T", "start or stop timer"),
    ("V", "board or table"),
    ("R", "refresh list"),
    ("Ctrl K", "find or do"),
    ("?", "all keys"),
    ("G then W P T R S M", "worklist, patients, transitions, referrals, results, messages"),
    ("Esc", "close"),
)


@dataclass(frozen=True, kw_only=True)
class MenuItem:
    """One line of the rail. Only screens that are finished are here."""

    path: str
    name: str
    icon: str
    roles: frozenset[Role] = _STAFF
    rule_before: bool = False
    second: bool = False
    count: int = 0
    late: bool = False


MENU: Sequence[MenuItem] = (
    MenuItem(path="/worklist", name="Worklist", icon="inbox"),
    MenuItem(path="/patients", name="Patients", icon="users"),
    MenuItem(path="/notices", name="Notices", icon="bell", second=True, roles=_STAFF - {Role.ADMINISTRATOR}),
    MenuItem(path="/transitions", name="Transitions", icon="hospital"),
    MenuItem(path="/episodes", name="Episodes", icon="layers", second=True, roles=_STAFF - {Role.ADMINISTRATOR}),
    MenuItem(path="/referrals", name="Referrals", icon="send", roles=_STAFF - {Role.ADMINISTRATOR}, second=True),
    MenuItem(
        path="/results",
        name="Results",
        icon="flask-conical",
        second=True,
        roles=frozenset({Role.COORDINATOR, Role.NURSE, Role.PHYSICIAN, Role.MANAGER}),
    ),
    MenuItem(
        path="/monitoring",
        name="Home readings",
        icon="activity",
        second=True,
        roles=frozenset({Role.COORDINATOR, Role.NURSE, Role.PHYSICIAN, Role.MANAGER}),
    ),
    MenuItem(path="/messages", name="Messages", icon="message-square", roles=_STAFF - {Role.ADMINISTRATOR}),
    MenuItem(
        path="/questions",
        name="My questions",
        icon="circle-question-mark",
        second=True,
        roles=_STAFF - {Role.ADMINISTRATOR},
    ),
    MenuItem(
        path="/my-week",
        name="My week",
        icon="calendar-check",
        second=True,
        roles=frozenset({Role.PHYSICIAN, Role.NURSE}),
    ),
    MenuItem(path="/schedule", name="Schedule", icon="calendar-days", second=True),
    MenuItem(path="/team", name="Team", icon="handshake", second=True),
    MenuItem(
        path="/expected",
        name="Expected",
        icon="hourglass",
        second=True,
        roles=frozenset({Role.COORDINATOR, Role.NURSE, Role.PHYSICIAN, Role.MANAGER}),
    ),
    MenuItem(
        path="/documents",
        name="Documents",
        icon="file-text",
        second=True,
        roles=frozenset({Role.COORDINATOR, Role.NURSE, Role.PHYSICIAN, Role.MANAGER}),
    ),
    MenuItem(path="/matches", name="Same person?", icon="git-compare-arrows", rule_before=True, second=True),
    MenuItem(
        path="/contradictions",
        name="Sources disagree",
        icon="split",
        second=True,
        roles=_STAFF - {Role.ADMINISTRATOR},
    ),
    MenuItem(
        path="/arrivals",
        name="Arrivals",
        icon="mail-warning",
        second=True,
        roles=frozenset({Role.ADMINISTRATOR, Role.MANAGER, Role.COORDINATOR}),
    ),
    MenuItem(
        path="/feeds",
        name="Feeds",
        icon="cable",
        second=True,
        roles=frozenset({Role.ADMINISTRATOR, Role.MANAGER, Role.COORDINATOR}),
    ),
    MenuItem(
        path="/rules",
        name="Rules and clocks",
        icon="sliders-horizontal",
        second=True,
        roles=frozenset({Role.MANAGER}),
    ),
    MenuItem(
        path="/deliveries",
        name="Deliveries",
        icon="arrow-right-left",
        second=True,
        roles=frozenset({Role.ADMINISTRATOR, Role.MANAGER, Role.COORDINATOR}),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Undo:
    """The last act, while it can be taken back."""

    act: str
    csrf: str
    next: str


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The rail, the clock note and the message that stand around every page."""

    here: str
    menu: Sequence[MenuItem]
    who: str
    site: str
    csrf: str
    theme: str
    density: str
    keys_off: bool
    clock_note: str
    said: str
    undo: Undo | None
    about: str
    keys: Sequence[tuple[str, str]] = KEYS


@dataclass(frozen=True)
class Staff:
    """One request of a signed-in person."""

    app: App
    request: Request[Any, Any, Any]
    session: StaffSession
    principal: Principal
    tenant: Tenant
    now: datetime
    words: Words = field(repr=False)

    def page(
        self, template: str, here: str, values: Mapping[str, Any], *, status: int = 200, about: str = ""
    ) -> Response[str]:
        """The page in its frame; what was said last is shown once."""
        said = self.request.cookies.get(SAID_COOKIE, "")
        answer = render(template, {**self.common(), "frame": self._frame(here, said, about), **values}, status=status)
        if said:
            answer.set_cookie(_cookie(SAID_COOKIE, "", max_age=0))
        return answer

    def fragment(self, template: str, values: Mapping[str, Any], *, status: int = 200) -> Response[str]:
        """A part of a page, for htmx."""
        return render(template, {**self.common(), **values}, status=status)

    def common(self) -> dict[str, Any]:
        """Values that every template may use."""
        return {"words": self.words, "session": self.session, "me": self.principal.reference, "now": self.now}

    def back(self, path: str, said: str = "", act: str | None = None) -> Response[str]:
        """Post, redirect, get: the page at `path`, which will say `said` and offer to undo `act`."""
        answer: Response[str] = Response(
            "", status_code=303, media_type=MediaType.HTML, headers={**PAGE_HEADERS, "Location": local_path(path)}
        )
        if said:
            answer.set_cookie(_cookie(SAID_COOKIE, quote(f"{act or ''}|{said}"), max_age=60))
        return answer

    def _frame(self, here: str, said: str, about: str) -> Frame:
        act, _, sentence = unquote(said).partition("|")
        theme, density, keys = _look(self.request)
        return Frame(
            here=here,
            menu=self._menu(),
            who=self.principal.name,
            site=self.tenant.name,
            csrf=self.session.csrf,
            theme=theme,
            density=density,
            keys_off=keys == "off",
            clock_note=self._clock_note(),
            said=sentence,
            undo=Undo(
                act=act, csrf=self.session.csrf, next=f"{here}/{about}" if here == "/patients" and about else here
            )
            if act
            else None,
            about=about,
        )

    def _menu(self) -> list[MenuItem]:
        """The lines of the rail for this person; how many notices they have not seen stands beside theirs."""
        with self.app.database.transaction(self.tenant.id, actor=self.principal.reference) as tx:
            unread, safety = notices.unread(tx, self.principal)
        mine = [item for item in MENU if item.roles & self.principal.roles]
        return [replace(item, count=unread, late=safety > 0) if item.path == "/notices" else item for item in mine]

    def _clock_note(self) -> str:
        if not self.app.clock.is_moved:
            return ""
        local = self.now.astimezone(self.words.zone)
        return f"The clock of this practice was moved. Here it is {local:%A %-d %B %Y}, {self.words.time(self.now)}."


SignedInStaff = NamedDependency[Staff]
"""What a handler asks for."""


def staff_of(request: Request[Any, Any, Any]) -> Staff:
    """The signed-in person of this request; `NotAuthenticated` sends a page to the sign-in. A request that changes
    anything comes from our own pages, and its form is checked by `checked_form`."""
    app = app_of(request)
    browser = browser_request(request)
    token = request.cookies.get(SESSION_COOKIE, "")
    tenant_id = tenant_of(token)
    if tenant_id is None:
        raise NotAuthenticated("please sign in")
    session = current_session(app, token, is_use=request.url.path not in ASKED_BY_PAGES)
    if request.method not in SAFE_METHODS:
        check_origin(browser)
    tenant, now = app.tenant(tenant_id), app.clock.now()
    principal = accounts.principal_of(tenant_id, session.account, address_of(request))
    return Staff(app, request, session, principal, tenant, now, Words(now, tenant.zone))


def app_of(request: Request[Any, Any, Any]) -> App:
    """The running app of this process."""
    app: App = request.app.state.careloop
    return app


def address_of(request: Request[Any, Any, Any]) -> str:
    """The network address that the request came from; never what a header claims."""
    return request.client.host if request.client else ""


def browser_request(request: Request[Any, Any, Any]) -> BrowserRequest:
    """What the checks of `access.browser` look at."""
    return BrowserRequest(
        scheme=str(request.scope.get("scheme", "http")),
        host=request.headers.get("host", ""),
        origin=request.headers.get("origin", ""),
        referer=request.headers.get("referer", ""),
    )


def checked_form(staff: Staff, data: Mapping[str, Any]) -> dict[str, str]:
    """The form as text values, after its CSRF token was found right. Repeated fields keep their last value here."""
    check_csrf(staff.session.token, str(data.get(CSRF_FIELD) or staff.request.headers.get(CSRF_HEADER) or ""))
    return {name: str(value[-1] if isinstance(value, list) else value).strip() for name, value in data.items()}


def local_path(path: str) -> str:
    """`path` if it leads to a page of ours, else the worklist; never to another site."""
    parts = urlsplit(path)
    return (
        path
        if path.startswith("/") and not path.startswith("//") and not parts.netloc and "\\" not in path
        else "/worklist"
    )


def session_cookie(request: Request[Any, Any, Any], token: str) -> Cookie:
    """The cookie of a session, or the end of it when `token` is empty: no script reads it, no other site sends it,
    Secure wherever the page came by https."""
    secure = is_secure(browser_request(request), app_of(request).settings.public_url)
    return Cookie(
        key=SESSION_COOKIE,
        value=token,
        path="/",
        httponly=True,
        secure=secure,
        samesite="lax",
        max_age=None if token else 0,
    )


def is_htmx(request: Request[Any, Any, Any]) -> bool:
    """True when htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true"


def _cookie(key: str, value: str, *, max_age: int) -> Cookie:
    return Cookie(key=key, value=value, path="/", httponly=True, samesite="lax", max_age=max_age)


def _look(request: Request[Any, Any, Any]) -> tuple[str, str, str]:
    theme, density, keys = ([*request.cookies.get(LOOK_COOKIE, "").split("."), "", "", ""])[:3]
    return (
        theme if theme in ("light", "dark") else "",
        density if density == "compact" else "",
        keys if keys == "off" else "",
    )
