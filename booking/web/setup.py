"""Setting up a new business, step by step, to a site that can take a booking."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from booking.availability import queries as availability
from booking.catalogue import queries as catalogue
from booking.invitations import queries as invitations
from booking.web.page import render
from booking.web.visitor import MemberReads, Visitor

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Step:
    """`done` is read from what is there: nobody ticks anything off."""

    title: str
    text: str
    done: bool
    href: str


@router.get("/manage/{slug}/set-up")
def show(visitor: MemberReads, request: Request) -> Response:
    steps = set_up_steps(visitor)
    done = sum(step.done for step in steps)
    return render(
        request,
        "setup/show.html",
        visitor=visitor,
        steps=steps,
        done=done,
        next_step=next((step for step in steps if not step.done), None),
    )


def set_up_steps(visitor: Visitor) -> list[Step]:
    """From an empty business to the first invitation, in the order that works."""
    return [*_before_booking(visitor), *_after_booking(visitor)]


def _before_booking(visitor: Visitor) -> list[Step]:
    session, business = visitor.session, visitor.business
    home = f"/manage/{business.slug}"
    offered = {service.id for service in catalogue.services(session)}
    staff = {member.id for member in catalogue.staff_members(session)}
    performers = catalogue.performers(session)
    bookable = any(performers.get(service_id, set()) & staff for service_id in offered)
    return [
        Step(
            "Say who you are",
            "A telephone number, an address, a few words: what a pet owner looks for first.",
            bool(business.phone or business.address or business.about),
            f"{home}/details",
        ),
        Step(
            "Set your opening hours",
            "Clients are offered times within them. Holidays and closures stand on the same page.",
            bool(availability.opening_hours(session)),
            f"{home}/hours",
        ),
        Step(
            "Add your staff",
            "Those who look after the pets. They need no login of their own.",
            bool(staff),
            f"{home}/staff" if staff else f"{home}/staff/new",
        ),
        Step(
            "Add your services",
            "What can be booked, how long it takes, what it costs, and who performs it.",
            bookable,
            f"{home}/services" if offered else f"{home}/services/new",
        ),
    ]


def _after_booking(visitor: Visitor) -> list[Step]:
    session, business = visitor.session, visitor.business
    home = f"/manage/{business.slug}"
    access = visitor.preferences.client_settings.allow_client_online_account_access
    return [
        Step(
            "Try a booking",
            "Book on your own site as a client would, and find the visit under Today.",
            availability.anything_booked(session),
            f"/{business.slug}/book",
        ),
        Step(
            "Open client access",
            "Under Client Settings: with YES, clients see and change their appointments and pets.",
            access,
            f"{home}/preferences#client_settings",
        ),
        Step(
            "Invite your clients",
            "Import or add them first. You see who will get the e-mail before anything is sent.",
            bool(invitations.campaigns(session, 1)),
            f"{home}/clients/invite" if access else f"{home}/clients",
        ),
    ]
