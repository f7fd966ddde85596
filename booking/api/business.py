"""What anybody may know of a business: enough to build a booking page of one's own."""

import uuid
from typing import Any

from pydantic import BaseModel

from booking.api.caller import VisitorReads
from booking.api.hours import Interval
from booking.api.resource import resource
from booking.availability import queries as availability
from booking.catalogue import queries as catalogue
from booking.preferences import actions as preferences
from booking.preferences.rules import Preferences

router = resource(tag="business")


class OfferedService(BaseModel):
    """`price_minor` is in minor units of `currency`; null where the price is on request or prices
    are not shown."""

    id: uuid.UUID
    name: str
    description: str
    duration_minutes: int
    price_minor: int | None
    currency: str
    staff: list[uuid.UUID]


class OfferedStaff(BaseModel):
    id: uuid.UUID
    name: str
    title: str


class BusinessAnswer(BaseModel):
    slug: str
    name: str
    about: str
    timezone: str
    currency: str
    email: str
    phone: str
    address: str
    opening_hours: list[Interval]
    services: list[OfferedService]
    staff: list[OfferedStaff]
    client_accounts_enabled: bool
    preferences: dict[str, Any]


@router.get("/businesses/{slug}")
def show(caller: VisitorReads) -> BusinessAnswer:
    session, business = caller.session, caller.business
    chosen = preferences.current(session)
    hidden = chosen.staff_and_confirmation.staff_choice == "hidden"
    staff = [] if hidden else catalogue.staff_members(session)
    performers = catalogue.performers(session)
    listed = {member.id for member in staff}
    return BusinessAnswer(
        slug=business.slug,
        name=business.name,
        about=business.about,
        timezone=business.timezone,
        currency=business.currency,
        email=business.email,
        phone=business.phone,
        address=business.address,
        opening_hours=[Interval.of(row) for row in availability.opening_hours(session)],
        services=[
            OfferedService(
                id=service.id,
                name=service.name,
                description=service.description,
                duration_minutes=service.duration_minutes,
                price_minor=service.price_minor if chosen.client_settings.show_prices else None,
                currency=business.currency,
                staff=sorted(performers.get(service.id, set()) & listed),
            )
            for service in catalogue.services(session)
        ],
        staff=[
            OfferedStaff(id=member.id, name=member.name, title=member.title) for member in staff
        ],
        client_accounts_enabled=chosen.client_settings.allow_client_online_account_access,
        preferences=_for_visitors(chosen),
    )


def _for_visitors(chosen: Preferences) -> dict[str, Any]:
    """What a booking page has to know; the rest is the business's own affair."""
    access, window = chosen.client_settings, chosen.booking_window
    rules, staff = chosen.cancel_and_reschedule, chosen.staff_and_confirmation
    accounts = access.allow_client_online_account_access
    return {
        "online_booking_enabled": window.online_booking_enabled,
        "disabled_message": window.disabled_message,
        "lead_time_minutes": window.lead_time_minutes,
        "furthest_days": window.furthest_days,
        "slot_interval_minutes": window.slot_interval_minutes,
        "who_may_book": access.who_may_book,
        "require_login_to_book": access.require_login_to_book,
        "self_registration": access.self_registration if accounts else "off",
        "show_prices": access.show_prices,
        "staff_choice": staff.staff_choice,
        "confirmation_mode": staff.confirmation_mode,
        "client_may_cancel": rules.client_may_cancel,
        "cancel_notice": rules.cancel_notice,
        "cancel_notice_unit": rules.cancel_notice_unit,
        "client_may_reschedule": rules.client_may_reschedule,
        "reschedule_notice": rules.reschedule_notice,
        "reschedule_notice_unit": rules.reschedule_notice_unit,
        "cancel_reason": rules.cancel_reason,
        "policy_text": rules.policy_text,
    }
