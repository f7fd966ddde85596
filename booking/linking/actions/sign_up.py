"""From a typed sign-up to a proved mailbox and a login."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.actions import proofs
from booking.accounts.models import Account, Proof
from booking.accounts.queries import find_account
from booking.accounts.rules import email_key
from booking.audit.actions import record
from booking.businesses.models import Business
from booking.businesses.queries import owners
from booking.clients.models import Client, LinkedBy
from booking.clients.rules import ClientDetails
from booking.database import business_of, keyring_of, lock, new_id
from booking.errors import Conflict, Invalid, NotFound
from booking.fields import EmailText, Line100, PhoneText
from booking.linking.actions import records
from booking.linking.emails import AlreadyHasLogin, ConfirmSignUp, NewAccount
from booking.linking.models import SignUp
from booking.mail.actions import queue
from booking.preferences.actions import current
from booking.tokens import Purpose

SIGN_UP_HOURS = 24


class AccountExists(Conflict):
    code = "account_exists"
    message = "There is a login for this address already. Please sign in."


class PasswordNeeded(Invalid):
    """The typed password counts only in the browser that typed it."""

    code = "password_needed"
    message = "Please choose a password."

    def __init__(self) -> None:
        super().__init__(fields=Invalid.field("password", self.message, self.code).fields)


class NotAvailable(NotFound):
    code = "not_available"
    message = "Client accounts are not available here."


class SignUpForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    email: EmailText
    first_name: Line100 = ""
    last_name: Line100 = ""
    mobile_phone: PhoneText = ""


@dataclass(frozen=True, slots=True)
class Confirmed:
    account: Account
    linked: list[Client]
    candidates: list[Client]


def check_sign_up_is_open(session: Session) -> None:
    """Raises NotAvailable, for everybody alike, while the business has no client accounts."""
    chosen = current(session).client_settings
    if not chosen.allow_client_online_account_access or chosen.self_registration == "off":
        raise NotAvailable


def sign_up(
    session: Session,
    form: SignUpForm,
    *,
    password_hash: str,
    appointment_id: uuid.UUID | None = None,
) -> SignUp:
    """Keep what was typed until the mailbox is proved, and write to the mailbox.

    The same happens, the same is written and the same is answered whether the address is known or
    not. Raises Invalid for what can't be an address. `sign_up_token` gives the browser its half.
    """
    key = email_key(form.email)
    if key is None:
        raise Invalid.field("email", "Type an address like name@example.com")
    business = session.get_one(Business, business_of(session))
    known = find_account(session, business_id=business.id, email_key=key)
    moment = clock.now()
    waiting = SignUp(
        id=new_id(),
        business_id=business.id,
        email=form.email,
        email_key=key,
        first_name=form.first_name,
        last_name=form.last_name,
        mobile_phone=form.mobile_phone,
        password_hash=password_hash,
        browser_digest="",
        appointment_id=appointment_id,
        created_at=moment,
        expires_at=moment + timedelta(hours=SIGN_UP_HOURS),
        ended_at=moment if known else None,
    )
    waiting.browser_digest = keyring_of(session).digest(
        Purpose.BROWSER, sign_up_token(session, waiting)
    )
    session.add(waiting)
    _write_to(session, business, waiting, known)
    return waiting


def sign_up_token(session: Session, waiting: SignUp) -> str:
    """For the browser that typed the password, and for nobody else."""
    return keyring_of(session).derive(Purpose.BROWSER, waiting.id)


def _write_to(session: Session, business: Business, waiting: SignUp, known: Account | None) -> None:
    """One proof and one mail for any address. For a known one the proof is over from the start, so
    that both take as long, and it is written to as it is stored, not as it was typed."""
    proof = proofs.prove(
        session,
        Purpose.SIGN_UP,
        subject_id=waiting.id,
        email=waiting.email,
        business_id=business.id,
        minutes=SIGN_UP_HOURS * 60,
    )
    if known is not None:
        proof.ended_at = proof.created_at
    queue(
        session,
        AlreadyHasLogin(sender_name=business.name, reply_to=business.email, slug=business.slug)
        if known
        else ConfirmSignUp(
            sender_name=business.name,
            reply_to=business.email,
            proof_id=proof.id,
            slug=business.slug,
            hours=SIGN_UP_HOURS,
        ),
        to=known.email if known else waiting.email,
        business_id=business.id,
    )


def waiting_behind(session: Session, proof: Proof) -> SignUp | None:
    """The sign-up a proof was mailed for; None for one of another business."""
    return session.scalar(select(SignUp).where(SignUp.id == proof.subject_id))


def typed_here(session: Session, waiting: SignUp, token: str | None) -> bool:
    """Is this the browser that typed the sign-up?"""
    keyring = keyring_of(session)
    return bool(token) and keyring.matches(Purpose.BROWSER, token or "", waiting.browser_digest)


def confirm(
    session: Session, proof: Proof, *, browser_token: str | None, password_hash: str | None
) -> Confirmed:
    """The mailbox is proved: the login comes to be, and finds its client.

    `proof` has just been redeemed in this transaction. Raises PasswordNeeded when neither the
    typing browser nor a new password is there, and AccountExists when an invitation was quicker:
    roll back then, so that the proof stays unused.
    """
    business = session.get_one(Business, business_of(session))
    lock(session, business)
    waiting = waiting_behind(session, proof)
    if waiting is None:
        raise records.NotYours
    if waiting.ended_at is not None or find_account(
        session, business_id=business.id, email_key=waiting.email_key
    ):
        raise AccountExists
    kept = waiting.password_hash if typed_here(session, waiting, browser_token) else None
    chosen = password_hash or kept
    if chosen is None:
        raise PasswordNeeded
    account = make_account(
        session,
        email=waiting.email,
        name=f"{waiting.first_name} {waiting.last_name}".strip(),
        password_hash=chosen,
    )
    by = records.actor_of(account)
    details = ClientDetails(
        first_name=waiting.first_name,
        last_name=waiting.last_name,
        email=waiting.email,
        mobile_phone=waiting.mobile_phone,
    )
    linked = records.settle(
        session, account, details=details, linked_by=LinkedBy.CONFIRMATION, by=by
    )
    tell_owners(session, account, linked.clients)
    return Confirmed(account, linked.clients, linked.candidates)


def make_account(session: Session, *, email: str, name: str, password_hash: str | None) -> Account:
    """A pet owner's login for this business. Whatever else waited for that mailbox ends.

    Raises AccountExists. The caller holds the lock on the business.
    """
    key = email_key(email)
    if key is None:
        raise Invalid.field("email", "Type an address like name@example.com")
    business_id = business_of(session)
    if find_account(session, business_id=business_id, email_key=key):
        raise AccountExists
    account = Account(
        id=new_id(),
        business_id=business_id,
        email=email,
        email_key=key,
        name=name,
        password_hash=password_hash,
        epoch=0,
        totp_last_step=0,
        created_at=clock.now(),
    )
    session.add(account)
    session.flush()
    end_sign_ups(session, key)
    record(session, "account.created", account, by=records.actor_of(account))
    return account


def end_sign_ups(session: Session, key: str) -> None:
    """Pending sign-ups of an address, with what was mailed for them, come to nothing."""
    session.execute(
        update(SignUp)
        .where(SignUp.email_key == key, SignUp.ended_at.is_(None))
        .values(ended_at=clock.now(), password_hash=None)
    )
    proofs.end_proofs_of_address(
        session, key, business_id=business_of(session), purpose=Purpose.SIGN_UP
    )


def tell_owners(session: Session, account: Account, linked: list[Client]) -> None:
    """Unless they chose not to be told."""
    business = session.get_one(Business, business_of(session))
    if not current(session).messages.notify_owner_new_account:
        return
    email = NewAccount(
        sender_name=business.name,
        slug=business.slug,
        name=account.name or account.email,
        email=account.email,
        client_id=linked[0].id if linked else None,
    )
    for owner in owners(session):
        queue(session, email, to=owner.email, business_id=business.id)
