"""The people who run a business: invited, joined, given another role, removed."""

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts import queries as accounts
from booking.accounts.actions.proofs import end_proofs, peek_link, prove, redeem_link
from booking.accounts.models import Account, Proof
from booking.accounts.rules import email_key
from booking.audit import actions as audit
from booking.audit.models import ActorKind
from booking.businesses import queries, rules
from booking.businesses.actions.opening import staff_account
from booking.businesses.emails import MemberInvited
from booking.businesses.models import Business, Member, MemberInvitation, Role
from booking.database import lock, new_id, set_business
from booking.errors import Conflict, Invalid, NotAllowed, Refusal
from booking.mail import actions as mail
from booking.tokens import Purpose

INVITATION_DAYS = 7


class AlreadyMember(Conflict):
    code = "already_member"
    message = "This person is a member already."


class LastOwner(Conflict):
    code = "last_owner"
    message = "A business needs an owner. Make somebody else an owner first."


class AccountExists(Conflict):
    code = "account_exists"
    message = "There is a login with this address. Sign in with it, then open the link again."


class OtherAccount(Conflict):
    code = "other_account"
    message = "This invitation is for another address than the one you are signed in with."


@dataclass(frozen=True, slots=True)
class OpenMemberInvitation:
    """What the page behind a member's link shows."""

    business: Business
    invitation: MemberInvitation
    account: Account | None


def invite_member(
    session: Session, *, email: str, name: str, role: Role, by: audit.Actor
) -> MemberInvitation:
    """Ask somebody by e-mail; asked again, the older link ends. Raises Invalid, AlreadyMember,
    and NotAllowed when somebody other than an owner asks for an owner."""
    business = queries.this_business(session)
    lock(session, business)
    _expect_may_give(session, by, role)
    key = email_key(email)
    if key is None:
        raise Invalid.field("email", "Type an address like name@example.com")
    if rules.holds_link(name):
        raise Invalid.field("name", "Use a name without an address or link in it.", "link")
    account = accounts.find_account(session, business_id=None, email_key=key)
    if account is not None and queries.member_of(session, account.id) is not None:
        raise AlreadyMember
    invitation = session.scalar(select(MemberInvitation).where(MemberInvitation.email_key == key))
    if invitation is None:
        invitation = MemberInvitation(
            id=new_id(), business_id=business.id, email_key=key, created_at=clock.now()
        )
        session.add(invitation)
    invitation.email, invitation.name, invitation.role = email.strip(), name, role
    invitation.accepted_at = None
    session.flush()
    audit.record(session, "member.invited", invitation, by=by, role=role.value)
    _send(session, business, invitation)
    return invitation


def resend_member_invitation(
    session: Session, invitation: MemberInvitation, *, by: audit.Actor
) -> None:
    _expect_may_give(session, by, invitation.role)
    audit.record(session, "member.invited_again", invitation, by=by)
    _send(session, queries.this_business(session), invitation)


def withdraw_member_invitation(
    session: Session, invitation: MemberInvitation, *, by: audit.Actor
) -> None:
    _expect_may_give(session, by, invitation.role)
    end_proofs(session, invitation.id)
    audit.record(session, "member.invitation_withdrawn", invitation, by=by)
    session.delete(invitation)


def look_at_member_invitation(session: Session, secret: str) -> OpenMemberInvitation:
    """What the link is about, without using it; the session works for that business from here on.

    Raises Expired.
    """
    proof = peek_link(session, Purpose.MEMBER_INVITATION, secret)
    return _opened(session, proof)


def accept_member_invitation(
    session: Session, secret: str, *, account: Account | None, password_hash: str | None
) -> Account | Refusal:
    """Use the link: `account`, who is signed in, becomes a member; without one, a new login with
    that password does. The address is the invited one, always.

    Raises Expired, AccountExists, OtherAccount, before anything is used.
    """
    opened = look_at_member_invitation(session, secret)
    invitation = opened.invitation
    if account is not None and account.email_key != invitation.email_key:
        raise OtherAccount
    if account is None and (opened.account is not None or password_hash is None):
        raise AccountExists
    proof = redeem_link(session, Purpose.MEMBER_INVITATION, secret)
    if isinstance(proof, Refusal):
        return proof
    joined = account or staff_account(
        session, email=invitation.email, name=invitation.name, password_hash=password_hash
    )
    invitation.accepted_at = clock.now()
    member = queries.member_of(session, joined.id)
    if member is None:
        member = Member(
            id=new_id(),
            business_id=opened.business.id,
            account_id=joined.id,
            role=invitation.role,
            created_at=clock.now(),
        )
        session.add(member)
        session.flush()
    by = audit.Actor(ActorKind.STAFF, joined.id, joined.name or joined.email)
    audit.record(session, "member.joined", member, by=by, role=member.role.value)
    return joined


def change_role(session: Session, member: Member, role: Role, *, by: audit.Actor) -> None:
    """Raises LastOwner, NotAllowed."""
    lock(session, queries.this_business(session))
    session.refresh(member)
    _expect_may_give(session, by, role)
    _expect_may_give(session, by, member.role)
    if member.role is role:
        return
    if member.role is Role.OWNER:
        _expect_another_owner(session)
    audit.record(
        session, "member.role_changed", member, by=by, old=member.role.value, new=role.value
    )
    member.role = role


def remove_member(session: Session, member: Member, *, by: audit.Actor) -> None:
    """Their access ends at the next request. Raises LastOwner, NotAllowed."""
    lock(session, queries.this_business(session))
    session.refresh(member)
    if member.account_id != by.id:
        _expect_may_give(session, by, member.role)
    if member.role is Role.OWNER:
        _expect_another_owner(session)
    audit.record(session, "member.removed", member, by=by, role=member.role.value)
    session.delete(member)


@dataclass(frozen=True, slots=True)
class _Login:
    """The record an audit entry is about, where loading the account would be time that tells."""

    id: uuid.UUID | None


def note_sign_in(session: Session, account_id: uuid.UUID | None, *, ok: bool, device: str) -> None:
    """A sign-in of staff, or a try, in the audit log of each of their businesses. A try with an
    unknown address (no id) leaves as many traces as one with a known one."""
    by = audit.VISITOR
    if ok and account_id is not None:
        account = accounts.account(session, account_id)
        by = audit.Actor(ActorKind.STAFF, account.id, account.name or account.email)
    action = "account.signed_in" if ok else "account.sign_in_failed"
    concerned: list[uuid.UUID | None] = [*queries.business_ids_of(session, account_id)]
    for business_id in concerned or [None]:
        subject = _Login(account_id)
        audit.record(session, action, subject, by=by, business_id=business_id, device=device)


def _opened(session: Session, proof: Proof) -> OpenMemberInvitation:
    assert proof.business_id is not None
    set_business(session, proof.business_id)
    return OpenMemberInvitation(
        business=queries.this_business(session),
        invitation=queries.member_invitation(session, proof.subject_id),
        account=accounts.find_account(session, business_id=None, email_key=proof.email_key),
    )


def _send(session: Session, business: Business, invitation: MemberInvitation) -> None:
    proof = prove(
        session,
        Purpose.MEMBER_INVITATION,
        subject_id=invitation.id,
        email=invitation.email,
        business_id=business.id,
        minutes=INVITATION_DAYS * 24 * 60,
    )
    mail.queue(
        session,
        MemberInvited(
            sender_name=business.name,
            reply_to=business.email,
            proof_id=proof.id,
            business_name=business.name,
            role=invitation.role.value,
            days=INVITATION_DAYS,
        ),
        to=invitation.email,
        business_id=business.id,
    )


def _expect_may_give(session: Session, by: audit.Actor, role: Role) -> None:
    """Only an owner decides about owners; the system itself is not asked."""
    if role is not Role.OWNER or by.kind is ActorKind.SYSTEM:
        return
    acting = queries.member_of(session, by.id)
    if acting is None or acting.role is not Role.OWNER:
        raise NotAllowed("Only an owner can do this for an owner.")


def _expect_another_owner(session: Session) -> None:
    owners = session.scalar(
        select(func.count()).select_from(Member).where(Member.role == Role.OWNER)
    )
    if (owners or 0) < 2:
        raise LastOwner
