"""What happens to the staff and the rules of a simulated practice: people come, leave, are away; clocks are changed."""

from dataclasses import replace
from datetime import timedelta

from careloop.access.model import Principal, Role
from careloop.bench.installation import PASSWORD
from careloop.bench.simulated_run import Run
from careloop.flows import absences, leading, rehearsal_jobs, rule_changes, staffing
from careloop.flows.absences import Leave
from careloop.flows.app import App
from careloop.flows.staffing import NewStaff
from careloop.loops.editing import form_of

FIRST = (
    Role.COORDINATOR, Role.COORDINATOR, Role.COORDINATOR, Role.NURSE, Role.NURSE, Role.PHYSICIAN, Role.PHYSICIAN,
    Role.COMMUNITY_HEALTH_WORKER, Role.MANAGER, Role.MANAGER,
)  # fmt: skip
_COME = (Role.COORDINATOR, Role.NURSE, Role.PHYSICIAN)
_PATHWAYS = "pathways"


def hire(live: Run, app: App, role: Role) -> None:
    """Somebody of this role works here."""
    live.hired += 1
    name = f"sim{live.hired}"
    person = NewStaff(username=name, name=f"Sim {role.value} {live.hired}", roles=[role], password=PASSWORD)
    made = staffing.create_account(app, _boss(live), live.place.tenant, person)
    live.staff[name] = (made.member.reference, role.value)


def leave(live: Run, app: App) -> None:
    """Somebody goes; what they held moves first. Somebody comes, so that no role is without people for long."""
    name = live.random.choice([one for one, (_, role) in sorted(live.staff.items()) if role != Role.MANAGER.value])
    role = live.staff[name][1]
    moved = staffing.disable(app, _boss(live), live.place.tenant, name)
    del live.staff[name]
    hire(live, app, Role(role) if role not in live.by_role else live.random.choice(_COME))
    live.done["staff who left"] += 1
    live.done["work moved when somebody left"] += moved


def be_away(live: Run, app: App) -> None:
    """Somebody is away from some hours from now on for some days, half of the time with a cover who was named."""
    person, cover = live.random.sample(live.people, 2)
    now = app.clock.now()
    starts = now + timedelta(hours=live.random.randint(0, 40))
    away = Leave(
        person=person,
        starts=starts,
        ends=starts + timedelta(hours=live.random.randint(6, 120)),
        cover=cover if live.random.random() < 0.5 else None,
        why="holiday",
    )
    with app.database.transaction(live.tenant_id, actor="simulation") as tx:
        absences.add(app, tx, live.person(person, Role.MANAGER), away)
    live.done["staff who were away"] += 1


def pass_lead_on(live: Run, app: App) -> None:
    """A lead coordinator is offered to somebody else, who accepts or declines."""
    coordinators = live.by_role[Role.COORDINATOR.value]
    patient, taker = live.random.choice(live.patients), live.random.choice(coordinators)
    with app.database.transaction(live.tenant_id, actor="simulation") as tx:
        leading.offer_lead(app, tx, live.somebody(), patient_id=patient, to=taker, why="knows the family")
        if live.random.random() < 0.7:
            leading.accept_lead(app, tx, live.person(taker), patient_id=patient)
        else:
            leading.decline_lead(app, tx, live.person(taker), patient_id=patient, why="too much work")
    live.done["leads passed on or declined"] += 1


def change_rule(live: Run, app: App) -> None:
    """One manager changes a clock of a pathway, rehearses it and sends it; another one publishes it. Open loops
    keep the version under which they opened."""
    one, other = (live.person(who, Role.MANAGER) for who in live.by_role[Role.MANAGER.value][:2])
    name, form = _a_change(live, app)
    with app.database.transaction(live.tenant_id, actor="simulation") as tx:
        version = rule_changes.save(app, tx, one, _PATHWAYS, name, form, note="as agreed", edition=None)
        rule_changes.ask_rehearsal(app, tx, one, version, 1)
    rehearsal_jobs.run_next(app, live.place.tenant)
    with app.database.transaction(live.tenant_id, actor="simulation") as tx:
        rule_changes.send(app, tx, one, version)
    with app.database.transaction(live.tenant_id, actor="simulation") as tx:
        rule_changes.publish(app, tx, other, version)
    live.done["rules changed"] += 1


def _a_change(live: Run, app: App) -> tuple[str, dict[str, str]]:
    """A pathway, and the form in which one of its clocks is one longer."""
    catalog = app.catalog
    while True:
        name = live.random.choice(sorted(live.pathways))
        document = catalog.document(_PATHWAYS, name)
        fields = [one for group in form_of(_PATHWAYS, document) for one in group.fields]
        clocks = [one for one in fields if one.kind == "span" and one.name.endswith(".due.within")]
        if clocks:
            clock = live.random.choice(clocks)
            longer = str(int(clock.amount) + live.random.randint(1, 9))
            return name, {f"{clock.name}.amount": longer, f"{clock.name}.unit": clock.unit}


def _boss(live: Run) -> Principal:
    return replace(live.place.principal, roles=frozenset({Role.MANAGER, Role.ADMINISTRATOR}))
