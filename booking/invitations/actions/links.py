"""The link in an invitation: opened, accepted, renewed, taken back, unsubscribed."""

import contextlib
import hmac
import uuid
from dataclasses import dataclass

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.accounts.models import Account
from booking.accounts.queries import find_account
from booking.audit.actions import VISITOR, Actor, record
from booking.businesses.models import Business
from booking.clients import actions as clients
from booking.clients.models import Client, ClientStatus, Link, LinkedBy
from booking.clients.queries import find
from booking.database import (
    across_businesses,
    business_of,
    keyring_of,
    lock,
    set_business,
)
from booking.errors import Conflict, Expired, NotFound, Refusal
from booking.invitations import queries
from booking.invitations.actions.campaigns import WAKE, check_access
from booking.invitations.models import (
    OPEN_STATES,
    CampaignHold,
    Invitation,
    InvitationState,
    RetiredLink,
)
from booking.linking.actions import entry, records, sign_up
from booking.mail.actions import lift_unsubscription, suppress
from booking.mail.models import SuppressionReason
from booking.tokens import Purpose


class InvitationUsed(Expired):
    code = "used"
    message = "This invitation was accepted already. Please sign in."


class InvitationExpired(Expired):
    code = "expired"
    message = "This invitation is no longer valid. Ask for a new one."


class InvitationRevoked(Expired):
    code = "revoked"
    message = "This invitation was taken back."


class InvitationReplaced(Expired):
    code = "replaced"
    message = "A newer invitation was sent to you. Please use that one."


class TooSoon(Conflict):
    code = "too_soon"
    message = "This client was invited not long ago, or often enough."


class NotToBeInvited(Conflict):
    """`extra["reason"]` is one of `queries.REASONS`."""

    code = "not_eligible"
    message = "This client can't be invited."


@dataclass(frozen=True, slots=True)
class Opened:
    business: Business
    invitation: Invitation
    client: Client


@dataclass(frozen=True, slots=True)
class Accepted:
    account: Account
    linked: list[Client]
    candidates: list[Client]


def open_invitation(session: Session, token: str) -> Opened:
    """What the link leads to; looking changes nothing. The session then works for its business.

    Raises NotFound for an unknown link, Expired (used, expired, revoked, replaced) for a dead one,
    ClientAccessOff while the switch is at NO; the last two say in `extra` which business it is.
    """
    keyring = keyring_of(session)
    digest = keyring.digest(Purpose.INVITATION, token) if token.isascii() else ""
    with across_businesses(session):
        found = session.scalar(select(Invitation).where(Invitation.digest == digest))
        retired = session.scalar(select(RetiredLink).where(RetiredLink.digest == digest))
    row = found or retired
    if row is None:
        raise NotFound
    set_business(session, row.business_id)
    business = session.get_one(Business, row.business_id)
    try:
        entry.check_access(session)
        return _alive(session, business, found, retired)
    except Refusal as refusal:
        refusal.extra["business"] = {"slug": business.slug, "name": business.name}
        raise


def _alive(
    session: Session, business: Business, found: Invitation | None, retired: RetiredLink | None
) -> Opened:
    if found is None:
        assert retired is not None
        had_run_out = retired.expires_at is not None and retired.expires_at <= clock.now()
        raise InvitationExpired if had_run_out else InvitationReplaced
    client = find(session, found.client_id)
    _check_alive(found, client)
    return Opened(business, found, client)


def _check_alive(row: Invitation, client: Client) -> None:
    """One that ran out says so and nothing else: its reader learns nothing of what came after."""
    if row.accepted_at is not None:
        raise InvitationUsed
    if row.expires_at is None or row.expires_at <= clock.now():
        raise InvitationExpired
    is_dead = row.state is InvitationState.REVOKED or row.email_version != client.email_version
    if is_dead or client.status is not ClientStatus.ACTIVE or client.blocked:
        raise InvitationRevoked


def accept(
    session: Session, token: str, *, password_hash: str | None, account: Account | None = None
) -> Accepted:
    """The invited person takes the record: a login comes to be, or the one signed in with the same
    address is linked. Of many at once exactly one succeeds.

    Raises what `open_invitation` raises, AccountExists where the address has a login that is not
    signed in, and PasswordNeeded.
    """
    opened = open_invitation(session, token)
    lock(session, opened.business)
    row, client = opened.invitation, opened.client
    _use(session, row)
    linked = session.scalar(select(Link).where(Link.client_id == client.id))
    known = find_account(session, business_id=opened.business.id, email_key=row.email_key)
    if known is not None and (account is None or account.id != known.id):
        raise sign_up.AccountExists
    if linked is not None and (known is None or linked.account_id != known.id):
        raise InvitationUsed
    if known is None:
        if password_hash is None:
            raise sign_up.PasswordNeeded
        known = sign_up.make_account(
            session, email=row.email or client.email, name=client.name, password_hash=password_hash
        )
    by = records.actor_of(known)
    clients.link(session, client, known.id, linked_by=LinkedBy.INVITATION, by=by)
    record(session, "invitation.accepted", row, by=by, client_id=str(client.id))
    _end_others(session, row)
    sign_up.tell_owners(session, known, [client])
    return Accepted(known, [client], records.candidates(session, known))


def _use(session: Session, row: Invitation) -> None:
    """One conditional UPDATE decides who of many at once accepts."""
    moment = clock.now()
    result = session.execute(
        update(Invitation)
        .where(
            Invitation.id == row.id,
            Invitation.accepted_at.is_(None),
            Invitation.state != InvitationState.REVOKED,
            Invitation.expires_at > moment,
        )
        .values(accepted_at=moment, state=InvitationState.ACCEPTED, lease_until=None)
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise InvitationUsed
    session.refresh(row)


def _end_others(session: Session, row: Invitation) -> None:
    """Older invitations to that address lead nowhere any more."""
    session.execute(
        update(Invitation)
        .where(
            Invitation.email_key == row.email_key,
            Invitation.id != row.id,
            Invitation.accepted_at.is_(None),
            Invitation.state.in_([InvitationState.SENT, InvitationState.UNCERTAIN]),
        )
        .values(state=InvitationState.REVOKED, reason="has_account")
    )


def resend(session: Session, row: Invitation, *, by: Actor) -> None:
    """A new link to the client's present address; the old one says that a newer one was sent.

    Raises TooSoon within the resend interval or beyond the most a client is invited, and
    NotToBeInvited for one who must not be invited at all.
    """
    check_access(session)
    lock(session, row)
    if row.accepted_at is not None:
        raise InvitationUsed
    _check_may_resend(session, row)
    if row.digest is not None:
        session.add(
            RetiredLink(
                digest=row.digest,
                business_id=business_of(session),
                invitation_id=row.id,
                expires_at=row.expires_at,
            )
        )
    row.generation += 1
    row.state, row.reason, row.digest = InvitationState.QUEUED, "", None
    row.due_at, row.expires_at, row.lease_until = clock.now(), None, None
    row.attempts, row.sent_at, row.bounced_at, row.opened_at = 0, None, None, None
    record(session, "invitation.resent", row, by=by, client_id=str(row.client_id))
    wakeup.after_commit(session, WAKE)


def _check_may_resend(session: Session, row: Invitation) -> None:
    if row.state in OPEN_STATES:
        raise TooSoon("This invitation is on its way.")
    if queries.campaign(session, row.campaign_id).hold is CampaignHold.CANCELLED:
        raise NotToBeInvited("This campaign was cancelled. Invite the client anew.")
    verdict = queries.verdict(session, row.client_id)
    if verdict in ("recently_invited", "invited_too_often"):
        raise TooSoon(reason=verdict)
    if verdict != queries.ELIGIBLE:
        raise NotToBeInvited(reason=verdict)


def revoke(session: Session, row: Invitation, *, by: Actor) -> None:
    """The link stops working, or the e-mail is never sent."""
    lock(session, row)
    if row.accepted_at is not None:
        raise InvitationUsed
    row.state, row.reason = InvitationState.REVOKED, f"taken back by {by.name}"[:300]
    record(session, "invitation.revoked", row, by=by, client_id=str(row.client_id))


def unsubscribable(session: Session, invitation_id: uuid.UUID, secret: str) -> Business:
    """The business whose invitations this link stops. Raises NotFound; changes nothing."""
    expected = keyring_of(session).derive(Purpose.UNSUBSCRIBE, invitation_id)
    if not (secret.isascii() and hmac.compare_digest(expected, secret)):
        raise NotFound
    with across_businesses(session):
        row = session.get(Invitation, invitation_id)
    if row is None:
        raise NotFound
    set_business(session, row.business_id)
    return session.get_one(Business, row.business_id)


def unsubscribe(session: Session, invitation_id: uuid.UUID, secret: str) -> Business:
    """At once and for good: the next batch skips the address. The link never expires."""
    business = unsubscribable(session, invitation_id, secret)
    row = queries.invitation(session, invitation_id)
    reason = SuppressionReason.UNSUBSCRIBED
    if row.email_key and suppress(session, business.id, row.email_key, reason):
        record(session, "invitation.unsubscribed", row, by=VISITOR)
    return business


def resubscribe(session: Session, invitation_id: uuid.UUID, secret: str) -> Business:
    """It was pressed by mistake: the address may be invited again, unless it bounced or complained.
    Changes nothing else."""
    business = unsubscribable(session, invitation_id, secret)
    row = queries.invitation(session, invitation_id)
    if row.email_key and lift_unsubscription(session, row.email_key):
        record(session, "invitation.resubscribed", row, by=VISITOR)
    return business


def renew(session: Session, token: str) -> Business:
    """The reader of a dead link asks for a fresh one. It goes to the address on the record and
    nowhere else, and only where staff could send it again; what staff took back stays taken back.

    Whether it was sent is not told. Raises NotFound for an unknown link.
    """
    with contextlib.suppress(Conflict, Expired):
        _check_dead(session, token)
        row = _of_dead_link(session, token)
        if row.state is not InvitationState.REVOKED:
            resend(session, row, by=VISITOR)
    return session.get_one(Business, business_of(session))


def _check_dead(session: Session, token: str) -> None:
    """Raises TooSoon for a link that works, and what `open_invitation` raises but for Expired."""
    with contextlib.suppress(Expired):
        open_invitation(session, token)
        raise TooSoon


def _of_dead_link(session: Session, token: str) -> Invitation:
    digest = keyring_of(session).digest(Purpose.INVITATION, token)
    replaced = select(RetiredLink.invitation_id).where(RetiredLink.digest == digest)
    query = select(Invitation).where(or_(Invitation.digest == digest, Invitation.id.in_(replaced)))
    return session.scalars(query).one()


def note_opened(session: Session, invitation_id: uuid.UUID) -> None:
    """The page behind the link was asked for, for the first time. Whether a person did or a program
    that looks into their mail, nobody can tell. Changes nothing else."""
    with across_businesses(session):
        session.execute(
            update(Invitation)
            .where(Invitation.id == invitation_id, Invitation.opened_at.is_(None))
            .values(opened_at=clock.now())
        )
