"""Tenants and what each has chosen. The table `tenant` is a directory: it names organisations, never a person."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from careloop.access.model import Tenant
from careloop.db import Row, Transaction, load_queries
from careloop.db.exchange import Statement
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.access")
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class TenantSettings:
    """The choices of one tenant, each with its default.

    `tcm_day_count`: how days to the TCM visit are counted; `inclusive` counts the discharge date as day 1 (TR-25).
    `hospital_version`: points of the HOSPITAL score as published in 2013 or 2016 (transitions.md §5).
    `same_day_contact`: a contact on the discharge date, after the discharge, counts (TR-24).
    `accept_any_sender`: HL7v2 of an unknown sender is taken; refused on a production tenant.
    `validation`: what is done about invariants and declared profiles on writes: `off` nothing, `warn` faults are told
    as warnings, `refuse` errors are refused. Faults of structure, types and required codes are refused in any case.
    `refuse_dangling`: a reference to a resource that is not there is refused, else a warning.
    `queue_lead`: username of the person who answers for work that nobody owns yet.
    `idle_minutes`: a staff session ends after so long without a request (security.md §4: 15 by default); the
    installation's `session_idle_seconds` holds where it is shorter.
    `match_review_points`: from so many points on a likeness goes to a person; None: as content/matching says.
    `match_join`: `certain` joins two records without a person where no rule speaks against it and the likeness reaches
    `match_join_points`; `off` (interface.md §5) joins nobody.
    `video_base_url`: where video visits are held, an https address of a service that opens a room by its name (Jitsi).
    `calendar_place`: what a calendar feed tells of the place of a home visit.
    `app_registration`: apps may register themselves (RFC 7591) with the initial access token of this number; 0: none
    may.
    `practice_phone`, `practice_fax`: what stands on sheets and letters; None leaves a line to write on.
    """

    tcm_day_count: Literal["elapsed", "inclusive"] = "elapsed"
    hospital_version: Literal["2013", "2016"] = "2016"
    same_day_contact: bool = True
    accept_any_sender: bool = False
    validation: Literal["off", "warn", "refuse"] = "off"
    refuse_dangling: bool = False
    queue_lead: str | None = None
    idle_minutes: int = 15
    match_review_points: int | None = None
    match_join: Literal["off", "certain"] = "off"
    match_join_points: int = 40
    app_registration: int = 0
    practice_phone: str | None = None
    practice_fax: str | None = None
    video_base_url: str = ""
    calendar_place: Literal["none", "town", "address"] = "none"


def settings_of(tenant: Tenant) -> TenantSettings:
    """The tenant's choices over the defaults; `Rejected` names a setting that is unknown or has a wrong value."""
    return read_settings(tenant.settings)


def read_settings(chosen: Mapping[str, Any]) -> TenantSettings:
    """Typed settings from `chosen`; `Rejected` names a setting that is unknown or has a wrong value."""
    hints = _hints()
    for name, value in chosen.items():
        if name not in hints:
            raise Rejected(at=f"settings.{name}", expected=f"one of {', '.join(sorted(hints))}")
        if not _fits(value, hints[name]):
            raise Rejected(at=f"settings.{name}", expected=_wording(hints[name]))
    return TenantSettings(**chosen)


@cache
def _hints() -> Mapping[str, Any]:
    return get_type_hints(TenantSettings)


def list_tenants(tx: Transaction) -> list[Tenant]:
    """All tenants, by slug. Any transaction may ask, one without a tenant too."""
    return [_tenant(row) for row in tx.rows(_SQL["list_tenants"])]


def get_tenant(tx: Transaction, slug_or_id: str | int) -> Tenant:
    """The tenant of that slug or id, else `NotFound`."""
    return ask_tenant(tx, slug_or_id)()


def ask_tenant(tx: Transaction, slug_or_id: str | int) -> Callable[[], Tenant]:
    """The same, asked with what is asked next."""
    tenant_id = slug_or_id if isinstance(slug_or_id, int) else None
    asked = tx.later([Statement(_SQL["get_tenant"], {"slug": str(slug_or_id), "id": tenant_id})])

    def told() -> Tenant:
        if not asked.rows[0]:
            raise NotFound("there is no such tenant")
        return _tenant(asked.rows[0][0])

    return told


def insert_tenant(
    tx: Transaction, now: datetime, *, slug: str, name: str, zone: str, production: bool, settings: TenantSettings
) -> Tenant:
    """The tenant exists in the directory. `Conflict` when the slug is taken, `Rejected` for a zone IANA lacks."""
    check_zone(zone)
    if not _SLUG.fullmatch(slug):
        raise Rejected(at="slug", expected="2 to 41 small letters, digits and hyphens, a letter first")
    values = asdict(settings)
    chosen = {field.name: values[field.name] for field in fields(settings) if values[field.name] != field.default}
    row = tx.one(
        _SQL["insert_tenant"],
        {
            "slug": slug,
            "name": name,
            "zone": zone,
            "production": production,
            "settings": encode(chosen).decode(),
            "now": now,
        },
    )
    if row is None:
        raise Conflict("a tenant of that slug exists already")
    return _tenant(row)


def change_settings(tx: Transaction, tenant: Tenant, **changes: Any) -> Tenant:
    """The tenant with the changed settings, stored. `Rejected` as in `read_settings`."""
    settings = asdict(read_settings({**tenant.settings, **changes}))
    chosen = {name: value for name, value in settings.items() if name in tenant.settings or name in changes}
    row = tx.one(_SQL["update_tenant_settings"], {"id": tenant.id, "settings": encode(chosen).decode()})
    if row is None:
        raise NotFound("there is no such tenant")
    return _tenant(row)


def _tenant(row: Row) -> Tenant:
    return Tenant(**row)


def check_zone(zone: str) -> None:
    """Nothing happens for a time zone that IANA has; else `Rejected`."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Rejected(at="zone", expected="an IANA time zone such as America/New_York") from error


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 720
    return isinstance(value, hint)


def _wording(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    return {bool: "true or false", int: "a whole number, 1 to 720", int | None: "a whole number"}.get(hint, "a text")
