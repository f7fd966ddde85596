"""Finding logins."""

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from booking.accounts.models import Account, Operator
from booking.errors import NotFound


def find_account(
    session: Session, *, business_id: uuid.UUID | None, email_key: str | None
) -> Account | None:
    """The login with that address: of staff where `business_id` is None, else of that business's
    clients. No login has an address that can't be one (`email_key` None)."""
    if email_key is None:
        return None
    return session.scalar(
        select(Account).where(_of_place(business_id), Account.email_key == email_key)
    )


def account(session: Session, account_id: uuid.UUID) -> Account:
    """Raises NotFound."""
    found = session.get(Account, account_id)
    if found is None:
        raise NotFound
    return found


def is_operator(session: Session, account_id: uuid.UUID | None) -> bool:
    """Whether that person runs the whole service."""
    return account_id is not None and session.get(Operator, account_id) is not None


def operators(session: Session) -> list[Account]:
    """By address."""
    return list(
        session.scalars(
            select(Account)
            .join(Operator, Operator.account_id == Account.id)
            .order_by(Account.email_key)
        )
    )


@dataclass(frozen=True, slots=True)
class KnownPassword:
    """What a sign-in is verified against, taken out of the transaction before hashing begins."""

    account_id: uuid.UUID | None = None
    password_hash: str | None = None


def known_password(
    session: Session, *, business_id: uuid.UUID | None, email_key: str | None
) -> KnownPassword:
    """Empty for an unknown address and for a disabled login: verifying that takes as long.

    Columns, not an Account: building one would be time that tells.
    """
    found = session.execute(
        select(Account.id, Account.password_hash).where(
            _of_place(business_id), Account.email_key == email_key, Account.disabled_at.is_(None)
        )
    ).one_or_none()
    return KnownPassword() if found is None else KnownPassword(found[0], found[1])


def _of_place(business_id: uuid.UUID | None) -> ColumnElement[bool]:
    if business_id is None:
        return Account.business_id.is_(None)
    return Account.business_id == business_id
