"""May a client come in? The switch, the record behind the login, and the trace of each try."""

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from booking.accounts.models import Account
from booking.audit.actions import VISITOR, record
from booking.clients import queries
from booking.clients.models import ClientStatus
from booking.database import business_of
from booking.errors import Conflict, NotAllowed
from booking.linking.actions.records import actor_of
from booking.preferences.actions import current


class ClientAccessOff(Conflict):
    """Sessions end, and nobody gets in, while the business has its clients' logins switched off."""

    code = "client_access_off"
    message = "Online accounts are switched off here at the moment. Please get in touch with us."


class NoLongerClient(NotAllowed):
    """Told only to somebody whose password or mailbox was right."""

    code = "no_longer_client"
    message = "Your record here is no longer active. Please get in touch with us."


def check_access(session: Session) -> None:
    """Raises ClientAccessOff while the switch is at NO."""
    if not current(session).client_settings.allow_client_online_account_access:
        raise ClientAccessOff


def check_still_client(session: Session, account: Account) -> None:
    """Before a sign-in. Who has not chosen a record yet may come in to choose.

    Raises NoLongerClient where every record of this login has left the active ones.
    """
    known = queries.clients_of(session, account.id)
    if known and not any(client.status is ClientStatus.ACTIVE for client in known):
        raise NoLongerClient


@dataclass(frozen=True, slots=True)
class _Login:
    id: uuid.UUID | None


def note_sign_in(session: Session, account: Account | None, *, device: str) -> None:
    """A client's sign-in in the audit log, or a failed try (no account): one row for any address,
    so that known and unknown ones take as long."""
    record(
        session,
        "account.signed_in" if account else "account.sign_in_failed",
        _Login(account.id if account else None),
        by=actor_of(account) if account else VISITOR,
        business_id=business_of(session),
        device=device,
    )
