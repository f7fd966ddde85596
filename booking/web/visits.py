"""One visit as its owner sees it, signed in or by the link in their e-mail: shown, cancelled,
moved. What is no longer possible says what is."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, StringConstraints

from booking import clock
from booking.appointments.actions.change import cancel, reschedule
from booking.appointments.actions.place import SlotTaken
from booking.appointments.models import Appointment
from booking.appointments.queries import Choices, choices, staff_names
from booking.appointments.rules import Because, Verdict
from booking.availability import queries as availability
from booking.catalogue import queries as catalogue
from booking.catalogue.models import Service
from booking.errors import Conflict, Invalid, Refusal
from booking.fields import Paragraph
from booking.web.manage_sign_in import show_again
from booking.web.page import SentForm, redirect, render, say_day, say_time
from booking.web.times import Wanted, read_day, read_moment, times
from booking.web.typed import typed
from booking.web.visitor import Visitor

_SHOW = "visit/show.html"
_CANCEL = "visit/cancel.html"
_MOVE = "visit/move.html"
_MOVE_CHECK = "visit/move_check.html"


class NotMovable(Conflict):
    code = "not_movable"
    message = "This service is no longer offered, so the visit can't be moved online."


class _Reason(BaseModel):
    reason: Annotated[Paragraph, StringConstraints(max_length=500)] = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """`path` is where its own page is; cancelling and moving lie below it."""

    visitor: Visitor
    appointment: Appointment
    path: str

    @property
    def choices(self) -> Choices:
        return choices(self.visitor.session, self.appointment, clock.now())

    @property
    def staff_name(self) -> str:
        return staff_names(self.visitor.session).get(self.appointment.staff_id, "")

    @property
    def service(self) -> Service | None:
        found = catalogue.services(self.visitor.session)
        return next((each for each in found if each.id == self.appointment.service_id), None)


def show(request: Request, visit: Visit, *, is_new: bool = False) -> Response:
    """`is_new`: it has just been booked, and this page says so."""
    context = {**_seen(visit), "is_new": is_new}
    return render(request, _SHOW, visitor=visit.visitor, **context)


def _seen(visit: Visit) -> dict[str, Any]:
    found, zone = visit.choices, visit.visitor.business.timezone
    return {
        "visit": visit,
        "is_new": False,
        "in_account": visit.path.startswith(f"/{visit.visitor.business.slug}/account/"),
        "appointment": visit.appointment,
        "pets": [pet["name"] for pet in visit.appointment.pets],
        "may_cancel": found.cancel.allowed,
        "may_move": found.reschedule.allowed and visit.service is not None,
        "cancel_note": _note(found.cancel, "cancel", zone),
        "move_note": _note(found.reschedule, "move", zone),
        "shows_prices": visit.visitor.preferences.client_settings.show_prices,
        "policy": visit.visitor.preferences.cancel_and_reschedule.policy_text,
    }


def _note(verdict: Verdict, verb: str, zone: str) -> str:
    """Until when it is possible, or why it is not."""
    at = _moment(verdict.latest, zone)
    match verdict.because:
        case None:
            return f"You can {verb} it online until {at}." if at else ""
        case Because.TOO_LATE:
            return f"It could be {_DONE[verb]} online until {at}."
        case Because.LIMIT:
            return "It has been moved as often as it can be moved online."
        case Because.SWITCHED_OFF:
            return f"Visits can't be {_DONE[verb]} online here."
        case _:
            return ""


_DONE = {"cancel": "cancelled", "move": "moved"}


def _moment(at: datetime | None, zone: str) -> str:
    return "" if at is None else f"{say_day(at, zone)}, {say_time(at, zone)}"


def show_cancel(request: Request, visit: Visit) -> Response:
    if not visit.choices.cancel.allowed:
        return show(request, visit)
    return render(request, _CANCEL, visitor=visit.visitor, **_cancelling(visit, ""))


def _cancelling(visit: Visit, reason: str) -> dict[str, Any]:
    asked = visit.visitor.preferences.cancel_and_reschedule.cancel_reason
    return {**_seen(visit), "asks_reason": asked, "reason": reason}


def do_cancel(request: Request, visit: Visit, form: SentForm) -> Response:
    session, reason = visit.visitor.session, form.text("reason")
    try:
        reason = typed(_Reason, {"reason": reason}).reason
        cancel(session, visit.appointment, by=visit.visitor.actor, reason=reason)
    except Invalid as refusal:
        session.rollback()
        context = _cancelling(visit, reason)
        return show_again(request, _CANCEL, refusal, visitor=visit.visitor, **context)
    except Refusal as refusal:
        session.rollback()
        return show_again(request, _SHOW, refusal, visitor=visit.visitor, **_seen(visit))
    return redirect(visit.path, flash="The visit is cancelled. We sent you an e-mail about it.")


def show_move(request: Request, visit: Visit, *, taken: bool = False) -> Response:
    """A week and its free times; with a time in the address, the question whether to take it."""
    service = visit.service
    if not visit.choices.reschedule.allowed or service is None:
        return show(request, visit)
    starts_at = read_moment(request.query_params.get("start", ""))
    if starts_at is not None and not taken:
        return render(
            request,
            _MOVE_CHECK,
            visitor=visit.visitor,
            starts_at=starts_at,
            anyone=request.query_params.get("with", ""),
            **_seen(visit),
        )
    return _times_page(request, visit, service, taken)


def _times_page(request: Request, visit: Visit, service: Service, taken: bool) -> Response:
    able = [one.id for one in catalogue.who_performs(visit.visitor.session, service.id)]
    same = visit.appointment.staff_id
    wants_anyone = request.query_params.get("with") == "any" or same not in able
    wanted = Wanted(service, None if wants_anyone else same)
    found = times(visit.visitor, wanted, read_day(request.query_params.get("day", "")))
    link = f"{visit.path}/move?{'with=any&' if wants_anyone else ''}day="
    return render(
        request,
        _MOVE,
        status=409 if taken else 200,
        visitor=visit.visitor,
        times=found,
        strip=found.strip(lambda day: f"{link}{day}"),
        link=link,
        wants_anyone=wants_anyone,
        may_ask_anyone=len(able) > 1
        and visit.visitor.preferences.staff_and_confirmation.staff_choice != "hidden",
        taken=taken,
        **_seen(visit),
    )


def do_move(request: Request, visit: Visit, form: SentForm) -> Response:
    session = visit.visitor.session
    starts_at = read_moment(form.text("start"))
    try:
        if starts_at is None:
            raise Invalid.field("start", "Please choose a time.")
        reschedule(
            session,
            visit.appointment,
            starts_at=starts_at,
            staff_id=_whoever_is_free(visit, starts_at) if form.text("with") == "any" else None,
            by=visit.visitor.actor,
        )
    except SlotTaken:
        session.rollback()
        return show_move(request, visit, taken=True)
    except Refusal as refusal:
        session.rollback()
        return show_again(request, _SHOW, refusal, visitor=visit.visitor, **_seen(visit))
    return redirect(visit.path, flash="The visit has moved. We sent you an e-mail about it.")


def _whoever_is_free(visit: Visit, starts_at: datetime) -> uuid.UUID | None:
    if visit.service is None:
        raise NotMovable
    free = availability.free_staff(
        visit.visitor.session, service=visit.service, starts=starts_at, now=clock.now()
    )
    return next(iter(free), None)
