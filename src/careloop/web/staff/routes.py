"""All staff routes, and what they need."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.concurrency import sync_to_thread
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.static_files import create_static_files_router

from careloop.web.assets.build import BUILT
from careloop.web.rendering import PAGE_HEADERS
from careloop.web.staff import (
    arrivals,
    consent,
    contradictions,
    deliveries,
    document,
    documents,
    feed_reports,
    feeds,
    find,
    hand_overs,
    home_day,
    leaving,
    list_acts,
    loop_acts,
    matches,
    messages,
    outside_diary,
    panel,
    patient_team,
    patients,
    preferences,
    rules,
    schedule,
    schedule_hours,
    schedule_waiting,
    sign_in,
    team,
    transitions,
    worklist,
)
from careloop.web.staff.context import Staff, staff_of
from careloop.web.staff.problems import exception_handlers

_YEAR_SECONDS = 365 * 24 * 3600


async def provide_staff(request: Request[Any, Any, Any]) -> Staff:
    """The signed-in person of this request; what is denied to them is noted in the audit trail (`note_denial`)."""
    staff = await sync_to_thread(staff_of, request)
    request.scope["state"]["principal"] = staff.principal
    return staff


@get("/", sync_to_thread=False)
def home() -> Response[str]:
    """The worklist is the first page."""
    return Response("", status_code=303, headers={**PAGE_HEADERS, "Location": "/worklist"})


assets = create_static_files_router(
    path="/assets",
    directories=[BUILT],
    cache_control=CacheControlHeader(max_age=_YEAR_SECONDS, public=True, immutable=True),
)

staff_router = Router(
    path="/",
    route_handlers=[
        home,
        sign_in.sign_in_page,
        sign_in.sign_in_send,
        sign_in.sign_in_code,
        sign_in.sign_out_send,
        worklist.worklist_page,
        worklist.worklist_pane,
        worklist.worklist_state,
        list_acts.bulk_save,
        list_acts.view_save,
        list_acts.view_open,
        list_acts.view_remove,
        list_acts.day_page,
        list_acts.day_minutes,
        list_acts.wrong_place,
        list_acts.rank_rule_page,
        list_acts.rank_report_answer,
        loop_acts.save_call,
        loop_acts.save_hand_over,
        loop_acts.save_accept,
        loop_acts.save_decline,
        loop_acts.save_snooze,
        loop_acts.save_hold,
        loop_acts.save_release,
        loop_acts.save_attest,
        loop_acts.save_close,
        loop_acts.save_undo,
        documents.documents_page,
        documents.documents_send,
        documents.paper_page,
        documents.paper_image,
        documents.paper_find,
        documents.paper_attach,
        documents.paper_glance,
        documents.paper_detach,
        documents.paper_set_aside,
        documents.paper_turn,
        documents.paper_split,
        document.document_page,
        document.document_original,
        patients.patients_page,
        patients.patients_find,
        patients.patient_page,
        patients.patient_record,
        patients.patient_fact,
        patients.patient_part,
        find.find_page,
        find.find_results,
        transitions.transitions_page,
        team.team_page_,
        team.absence_save,
        team.absence_end,
        team.competency_save,
        team.digest_page,
        leaving.leave_page,
        leaving.leave_send,
        hand_overs.hand_over_page,
        hand_overs.hand_over_send,
        hand_overs.hand_over_answer,
        patient_team.patient_team_page,
        patient_team.lead_save,
        schedule.schedule_page,
        schedule.book_page,
        schedule.book_send,
        schedule.visit_page,
        schedule.visit_send,
        schedule_waiting.waiting_page,
        schedule_waiting.offer_send,
        schedule_waiting.missed_page,
        schedule_waiting.fix_send,
        schedule_hours.hours_page,
        schedule_hours.hours_send,
        home_day.home_day_page,
        home_day.home_day_send,
        home_day.packet_page,
        outside_diary.calendar_feed,
        outside_diary.join_page,
        contradictions.contradictions_page,
        contradictions.contradiction_page,
        contradictions.contradiction_decide,
        contradictions.contradiction_reopen,
        messages.messages_page,
        messages.message_page,
        messages.message_act,
        matches.matches_page,
        matches.match_decide,
        matches.match_undo,
        arrivals.arrivals_page,
        arrivals.arrival_page,
        arrivals.arrival_replay,
        arrivals.arrival_correct,
        arrivals.arrival_discard,
        arrivals.arrival_accept_sender,
        deliveries.deliveries_page,
        deliveries.delivery_page,
        deliveries.delivery_retry,
        consent.consent_page,
        consent.consent_send,
        consent.apps_page,
        consent.app_launch,
        panel.launch,
        panel.launch_callback,
        panel.panel_page,
        panel.panel_answer,
        feeds.feeds_page,
        feeds.feeds_lines,
        feeds.feed_page,
        feeds.feed_save,
        feeds.feed_undo,
        feeds.feed_retry,
        feed_reports.feed_report_page,
        feed_reports.feed_letter_page,
        feed_reports.feed_report_table,
        preferences.settings_page,
        preferences.settings_save,
        preferences.help_page,
        rules.rules_page,
        rules.skipped_page,
        rules.rule_page,
        rules.rule_rehearsal,
        rules.rule_save,
        rules.rule_do,
    ],
    dependencies={"staff": Provide(provide_staff)},
    exception_handlers=exception_handlers,
    include_in_schema=False,
)

routes = [staff_router, assets]
