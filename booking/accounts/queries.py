"""Finding logins."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.accounts.models import Account
from booking.errors import NotFound


def find_account(
    session: Session, *, business_id: uuid.UUID | None, email_key: str | None
) -> Account | None:
    """The login with that address: of staff where `business_id` is None, else of that business's
    clients. No login has an address that can't be one (`email_key` None)."""
    if email_key is None:
        return None
    of_place = (
        Account.business_id.is_(None) if business_id is None else Account.business_id == business_id
    )
    return session.scalar(select(Account).where(of_place, Account.email_key == email_key))


def account(session: Session, account_id: uuid.UUID) -> Account:
    """Raises NotFound."""
    found = session.get(Account, account_id)
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class KnownPassword:
    """What a sign-in is verified against, taken out of the transaction before hashing begins."""

    account_id: uuid.UUID | None = None
    password_hash: str | None = None


def known_password(
    session: Session, *, business_id: uuid.UUID | None, email_key: str | None
) -> KnownPassword:
    """Empty for an unknown address and for a disabled login: verifying that takes as long."""
    found = find_account(session, business_id=business_id, email_key=email_key)
    if found is None or found.disabled_at is not None:
        return KnownPassword()
    return KnownPassword(found.id, found.password_hash)
