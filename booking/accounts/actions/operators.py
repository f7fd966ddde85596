"""Who runs the whole service."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts import queries, rules
from booking.accounts.models import Account, Operator
from booking.audit.actions import Actor, record
from booking.database import new_id
from booking.errors import Conflict, Invalid, NotFound


class NoLogin(NotFound):
    code = "no_login"
    message = "Nobody signs in with this address."


class LastOperator(Conflict):
    code = "last_operator"
    message = "This is the last operator. Add another one first."


def add_operator(
    session: Session, *, email: str, name: str = "", password_hash: str | None = None, by: Actor
) -> Account:
    """The staff login with that address becomes an operator; where there is none, `password_hash`
    opens one. Saying it twice changes nothing. Raises NoLogin, or Invalid for no address."""
    key = rules.email_key(email)
    if key is None:
        raise Invalid.field("email", "Type an address like name@example.com")
    account = queries.find_account(session, business_id=None, email_key=key)
    if account is None:
        if password_hash is None:
            raise NoLogin
        account = _open_login(session, email.strip(), key, name, password_hash)
    if not queries.is_operator(session, account.id):
        session.add(Operator(account_id=account.id, added_at=clock.now()))
        session.flush()
        record(session, "operator.added", account, by=by)
    return account


def _open_login(session: Session, email: str, key: str, name: str, password_hash: str) -> Account:
    account = Account(
        id=new_id(),
        business_id=None,
        email=email,
        email_key=key,
        name=name,
        password_hash=password_hash,
        created_at=clock.now(),
    )
    session.add(account)
    session.flush()
    return account


def remove_operator(session: Session, *, email: str, by: Actor) -> Account:
    """The login stays. Raises NotFound for somebody who is none, LastOperator for the last."""
    everybody = session.scalars(select(Operator).with_for_update()).all()
    key = rules.email_key(email)
    account = queries.find_account(session, business_id=None, email_key=key)
    found = session.get(Operator, account.id) if account else None
    if account is None or found is None:
        raise NotFound("This is no operator's address.")
    if len(everybody) == 1:
        raise LastOperator
    session.delete(found)
    record(session, "operator.removed", account, by=by)
    return account
