"""Opening a business and changing what it says of itself."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from booking import clock
from booking.accounts import queries as accounts
from booking.accounts.models import Account
from booking.accounts.rules import email_key
from booking.audit import actions as audit
from booking.businesses import queries, rules
from booking.businesses.models import Business, Member, Role
from booking.database import new_id, set_business
from booking.errors import Conflict, Invalid


class SlugTaken(Conflict):
    code = "slug_taken"
    message = "Another business has this address already."


@dataclass(frozen=True, slots=True)
class NewBusiness:
    slug: str
    name: str
    timezone: str
    owner_email: str
    owner_name: str = ""


def create_business(
    session: Session, new: NewBusiness, *, password_hash: str | None, by: audit.Actor
) -> Business:
    """Open a business; the session works for it from here on.

    An owner who has a staff login keeps it and its password. Raises Invalid, SlugTaken.
    """
    objection = rules.slug_objection(new.slug)
    if objection is not None:
        raise Invalid(fields=(objection,))
    details = rules.checked_details({"name": new.name, "timezone": new.timezone})
    if queries.by_slug(session, new.slug) is not None:
        raise SlugTaken
    business = Business(id=new_id(), slug=new.slug, created_at=clock.now(), **details.model_dump())
    session.add(business)
    session.flush()
    set_business(session, business.id)
    owner = staff_account(
        session, email=new.owner_email, name=new.owner_name, password_hash=password_hash
    )
    session.add(
        Member(
            id=new_id(),
            business_id=business.id,
            account_id=owner.id,
            role=Role.OWNER,
            created_at=clock.now(),
        )
    )
    audit.record(session, "business.created", business, by=by, business_id=business.id)
    session.flush()
    return business


def staff_account(session: Session, *, email: str, name: str, password_hash: str | None) -> Account:
    """The staff login of that address; a new one with that password where there is none."""
    key = email_key(email)
    if key is None:
        raise Invalid.field("owner_email", "Type an address like name@example.com")
    found = accounts.find_account(session, business_id=None, email_key=key)
    if found is not None:
        return found
    account = Account(
        id=new_id(),
        email=email.strip(),
        email_key=key,
        name=name,
        password_hash=password_hash,
        epoch=0,
        totp_generation=0,
        totp_last_step=0,
        created_at=clock.now(),
    )
    session.add(account)
    session.flush()
    return account


def change_details(
    session: Session, business: Business, changes: dict[str, Any], *, by: audit.Actor
) -> None:
    """Change some of name, about, timezone, currency, email, phone, address, accent.

    Bookings made keep their instant when the zone changes. Raises Invalid.
    """
    names = rules.BusinessDetails.model_fields
    before = {name: getattr(business, name) for name in names}
    after = rules.checked_details({**before, **changes}).model_dump()
    changed = sorted(name for name in names if after[name] != before[name])
    for name in changed:
        setattr(business, name, after[name])
    if changed:
        audit.record(
            session,
            "business.changed",
            business,
            by=by,
            business_id=business.id,
            fields=changed,
        )
