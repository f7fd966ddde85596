"""Changing the address of a login: asked for, proved by the new mailbox, told to the old one."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts import emails, queries, rules
from booking.accounts.actions.proofs import end_proofs, end_proofs_of_address, prove
from booking.accounts.actions.sign_in import end_all_sessions
from booking.accounts.models import Account, Proof
from booking.audit import actions as audit
from booking.database import lock
from booking.errors import Conflict, Invalid, Refusal
from booking.mail import actions as mail
from booking.tokens import Purpose

CHANGE_MINUTES = 24 * 60


class AddressTaken(Conflict):
    """Told only to somebody who has proved that mailbox."""

    code = "address_taken"
    message = "There is another login with this address. Sign in with that one instead."


@dataclass(frozen=True, slots=True)
class AddressChanged:
    account: Account
    old_email: str


def request_change(
    session: Session, account: Account, *, email: str, place: emails.Place, by: audit.Actor
) -> Proof:
    """Mails link and code to the new address; until they are used nothing changes.

    The way in has asked for the password or a code before. Says nothing about whether the address
    has a login. Raises Invalid.
    """
    if rules.email_key(email) == account.email_key:
        raise Invalid.field("email", "This is your address already.", "unchanged")
    proof = prove(
        session,
        Purpose.EMAIL_CHANGE,
        subject_id=account.id,
        email=email,
        business_id=place.business_id,
        minutes=CHANGE_MINUTES,
    )
    audit.record(session, "account.email_change_asked", account, by=by)
    mail.queue(
        session,
        emails.EmailChangeProof(
            sender_name=place.name,
            reply_to=place.reply_to,
            proof_id=proof.id,
            path=place.path,
            minutes=CHANGE_MINUTES,
        ),
        to=proof.email,
        business_id=place.business_id,
    )
    return proof


def pending_change(session: Session, account: Account) -> Proof | None:
    """The new address that waits for its proof."""
    return session.scalar(
        select(Proof)
        .where(
            Proof.purpose == Purpose.EMAIL_CHANGE,
            Proof.subject_id == account.id,
            Proof.used_at.is_(None),
            Proof.ended_at.is_(None),
            Proof.expires_at > clock.now(),
        )
        .order_by(Proof.id.desc())
        .limit(1)
    )


def cancel_change(session: Session, account: Account) -> None:
    end_proofs(session, account.id, Purpose.EMAIL_CHANGE)


def change_address(
    session: Session, proof: Proof, *, place: emails.Place, by: audit.Actor
) -> AddressChanged | Refusal:
    """The redeemed proof's address becomes the login's. Every session and other outstanding proof
    ends; the old address is told. What else carries the address (a client record) is for a room
    above."""
    account = queries.account(session, proof.subject_id)
    lock(session, account)
    other = queries.find_account(
        session, business_id=account.business_id, email_key=proof.email_key
    )
    if other is not None and other.id != account.id:
        return AddressTaken()
    old_email = account.email
    account.email, account.email_key = proof.email, proof.email_key
    end_all_sessions(session, account)
    end_proofs(session, account.id)
    end_proofs_of_address(
        session,
        proof.email_key,
        business_id=account.business_id,
        purpose=Purpose.SIGN_UP,
    )
    audit.record(session, "account.email_changed", account, by=by)
    mail.queue(
        session,
        emails.EmailChanged(
            sender_name=place.name,
            reply_to=place.reply_to,
            new_address=rules.masked(proof.email),
        ),
        to=old_email,
        business_id=place.business_id,
    )
    return AddressChanged(account, old_email)
