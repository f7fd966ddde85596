"""One visitor on the way to a booking: what they have answered, checked against the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from booking.billing import queries as billing
from booking.catalogue import queries as catalogue
from booking.catalogue.models import Service, StaffMember
from booking.clients import queries as clients
from booking.clients.models import Client, ClientStatus
from booking.linking.actions import records
from booking.web.draft import ANYONE, Choices, Draft
from booking.web.page import SentForm, render
from booking.web.times import Wanted
from booking.web.visitor import Visitor

_CLOSED_TO = {
    "new": "Only new clients can book online. Please get in touch with us.",
    "existing": "Only clients we know can book online. Please get in touch with us.",
}


@dataclass(frozen=True, slots=True)
class Way:
    """`draft` is there once something was typed; the pages are then forms that carry it along.
    `complete`: all was answered before, and one answer is being changed."""

    visitor: Visitor
    choices: Choices
    draft: Draft | None
    complete: bool
    service: Service | None
    able: Sequence[StaffMember]

    @property
    def path(self) -> str:
        return f"/{self.visitor.business.slug}/book"

    @property
    def staff(self) -> StaffMember | None:
        return next((one for one in self.able if one.id == self.choices.staff_id), None)

    @property
    def staff_answer(self) -> str:
        """Whom they want; empty while that has to be asked."""
        mode = self.visitor.preferences.staff_and_confirmation.staff_choice
        if mode == "hidden":
            return ANYONE
        if self.staff is not None:
            return str(self.staff.id)
        if len(self.able) < 2:
            return str(self.able[0].id) if self.able and mode == "required" else ANYONE
        return ANYONE if self.choices.staff == ANYONE and mode == "optional" else ""

    @property
    def wanted(self) -> Wanted:
        assert self.service is not None
        answer = self.staff_answer
        member = next((one for one in self.able if str(one.id) == answer), None)
        return Wanted(self.service, member.id if member else None)

    @property
    def with_whom(self) -> str:
        """For people: a name, or nothing where it is not shown."""
        wanted = self.wanted.staff_id
        found = next((one for one in self.able if one.id == wanted), None)
        if found is not None:
            return found.name
        asked = self.visitor.preferences.staff_and_confirmation.staff_choice != "hidden"
        return "anyone who is free" if asked and len(self.able) > 1 else ""

    @property
    def price(self) -> str:
        """What is shown, and carried so that a change in between is noticed."""
        assert self.service is not None
        minor = self.service.price_minor
        return f"{'' if minor is None else minor}:{self.service.duration_minutes}"

    def page(
        self, request: Request, template: str, *, status: int = 200, **context: Any
    ) -> Response:
        return render(
            request,
            template,
            status=status,
            visitor=self.visitor,
            way=self,
            method="get" if self.draft is None else "post",
            typed=self._carried_typed(),
            shows_prices=self.visitor.preferences.client_settings.show_prices,
            total=self._questions(),
            **context,
        )

    def _carried_typed(self) -> list[tuple[str, str]]:
        found = self.draft.carried() if self.draft else []
        return [*found, ("complete", "yes")] if self.complete else found

    def _questions(self) -> int:
        hidden = self.visitor.preferences.staff_and_confirmation.staff_choice == "hidden"
        performers = catalogue.performers(self.visitor.session).values()
        return 3 if hidden or all(len(each) < 2 for each in performers) else 4


def way_of(visitor: Visitor, request: Request, form: SentForm) -> Way:
    given = {**request.query_params, **form.texts()}
    choices = Choices.of(given)
    service = next(
        (each for each in catalogue.services(visitor.session) if each.id == choices.service_id),
        None,
    )
    return Way(
        visitor=visitor,
        choices=choices,
        draft=Draft.of(form) if form.flag("draft") else None,
        complete=form.flag("complete"),
        service=service,
        able=catalogue.who_performs(visitor.session, service.id) if service else (),
    )


def closed(way: Way, request: Request) -> Response | None:
    """The page for those who can't book here now, or None."""
    visitor = way.visitor
    window = visitor.preferences.booking_window
    if billing.is_read_only(visitor.session):
        text = "Please get in touch with us."
        title = "Online booking is closed at the moment"
        return way.page(request, "book/closed.html", title=title, text=text)
    settings = visitor.preferences.client_settings
    if not window.online_booking_enabled:
        text = window.disabled_message or "Please get in touch with us."
        return way.page(
            request, "book/closed.html", title="Online booking is switched off", text=text
        )
    if visitor.account is None:
        needed = settings.require_login_to_book or settings.who_may_book == "existing"
        return account_needed(way, request) if needed else None
    known = bool(clients.clients_of(visitor.session, visitor.account.id))
    turned_away = settings.who_may_book == ("new" if known else "existing")
    if turned_away:
        return way.page(
            request,
            "book/closed.html",
            title="This can't be booked online",
            text=_CLOSED_TO[settings.who_may_book],
        )
    return None


def account_needed(way: Way, request: Request) -> Response:
    return way.page(
        request,
        "book/account_needed.html",
        status=403,
        may_sign_up=may_sign_up(way.visitor),
        next=f"{way.path}?{way.choices.query()}",
    )


def may_sign_up(visitor: Visitor) -> bool:
    """Whether the page for a new login is open: at any time; or where a login comes with a booking
    and yet nobody could book without one."""
    settings = visitor.preferences.client_settings
    if not settings.allow_client_online_account_access:
        return False
    if settings.self_registration == "on_booking":
        return settings.require_login_to_book and settings.who_may_book != "existing"
    return settings.self_registration == "always"


def may_create_login(visitor: Visitor) -> bool:
    """Whether a login may come with this booking."""
    settings = visitor.preferences.client_settings
    return (
        visitor.account is None
        and settings.allow_client_online_account_access
        and settings.self_registration != "off"
    )


def own_clients(visitor: Visitor) -> list[Client]:
    """The records this visitor may book for."""
    if visitor.account is None:
        return []
    found = clients.clients_of(visitor.session, visitor.account.id)
    return [client for client in found if client.status is ClientStatus.ACTIVE]


def has_to_choose(visitor: Visitor) -> bool:
    """Signed in, without a record, and records with their address wait to be chosen."""
    account = visitor.account
    if account is None or clients.clients_of(visitor.session, account.id):
        return False
    return bool(records.candidates(visitor.session, account))
