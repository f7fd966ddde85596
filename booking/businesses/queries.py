"""Finding businesses and the people who run them."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.accounts.emails import Place
from booking.accounts.models import Account
from booking.businesses.models import Business, Member, MemberInvitation, Role
from booking.database import across_businesses, business_of
from booking.errors import NotFound


@dataclass(frozen=True, slots=True)
class Membership:
    """One of the businesses of a person."""

    business: Business
    member: Member


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One of the people of a business."""

    member: Member
    account: Account


def by_slug(session: Session, slug: str) -> Business | None:
    """None also for what can't be a slug, which a database may not even take."""
    if not slug.isprintable():
        return None
    return session.scalar(select(Business).where(Business.slug == slug))


def all_businesses(session: Session) -> list[Business]:
    """By name; for those who run the service, not for its visitors."""
    return list(session.scalars(select(Business).order_by(Business.name)))


def this_business(session: Session) -> Business:
    """The business this session works for."""
    return session.get_one(Business, business_of(session))


def place_of(business: Business) -> Place:
    """Where the logins of its clients belong."""
    return Place(
        business_id=business.id,
        name=business.name,
        path=f"/{business.slug}",
        reply_to=business.email,
    )


def businesses_of(session: Session, account_id: uuid.UUID | None) -> list[Membership]:
    """All businesses a person helps to run, by name."""
    with across_businesses(session):
        rows = session.execute(
            select(Business, Member)
            .join(Member, Member.business_id == Business.id)
            .where(Member.account_id == account_id)
            .order_by(Business.name)
        ).all()
    return [Membership(business, member) for business, member in rows]


def business_ids_of(session: Session, account_id: uuid.UUID | None) -> list[uuid.UUID]:
    with across_businesses(session):
        return list(
            session.scalars(select(Member.business_id).where(Member.account_id == account_id))
        )


def member_of(session: Session, account_id: uuid.UUID | None) -> Member | None:
    """That person as a member of this business."""
    return session.scalar(select(Member).where(Member.account_id == account_id))


def members(session: Session) -> list[MemberRow]:
    rows = session.execute(
        select(Member, Account).join(Account, Account.id == Member.account_id).order_by(Member.id)
    ).all()
    return [MemberRow(member, account) for member, account in rows]


def member(session: Session, member_id: uuid.UUID) -> MemberRow:
    """Raises NotFound."""
    row = session.execute(
        select(Member, Account)
        .join(Account, Account.id == Member.account_id)
        .where(Member.id == member_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    return MemberRow(row[0], row[1])


def owners(session: Session) -> list[Account]:
    return [row.account for row in members(session) if row.member.role is Role.OWNER]


def member_invitations(session: Session) -> list[MemberInvitation]:
    """Those nobody has accepted yet, oldest first."""
    return list(
        session.scalars(
            select(MemberInvitation)
            .where(MemberInvitation.accepted_at.is_(None))
            .order_by(MemberInvitation.id)
        )
    )


def member_invitation(session: Session, invitation_id: uuid.UUID) -> MemberInvitation:
    """One that nobody has accepted yet. Raises NotFound."""
    found = session.scalar(
        select(MemberInvitation).where(
            MemberInvitation.id == invitation_id, MemberInvitation.accepted_at.is_(None)
        )
    )
    if found is None:
        raise NotFound
    return found
