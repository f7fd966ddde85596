"""Setting, forgetting and choosing a password."""

from sqlalchemy.orm import Session

from booking.accounts import emails, queries, rules
from booking.accounts.actions.proofs import end_proofs, peek_link, redeem_link
from booking.accounts.actions.sign_in import end_all_sessions, prove_or_pretend
from booking.accounts.models import Account
from booking.audit import actions as audit
from booking.audit.models import ActorKind
from booking.errors import Refusal
from booking.mail import actions as mail
from booking.tokens import Purpose

RESET_MINUTES = 60


def set_password(
    session: Session,
    account: Account,
    password_hash: str,
    *,
    place: emails.Place,
    by: audit.Actor,
) -> None:
    """All sessions, outstanding proofs and pending changes of this login end; its owner is told.

    The way in opens a new session where it should: none after a reset.
    """
    account.password_hash = password_hash
    end_all_sessions(session, account)
    end_proofs(session, account.id)
    audit.record(session, "account.password_changed", account, by=by)
    mail.queue(
        session,
        emails.PasswordChanged(sender_name=place.name, reply_to=place.reply_to, path=place.path),
        to=account.email,
        business_id=place.business_id,
    )


def request_reset(session: Session, *, email: str, place: emails.Place) -> None:
    """A link by e-mail to choose a new password. Nothing changes until it is used. The same work
    and one mail for any address; one without a login is told so, in its mailbox.

    Raises Invalid for what is no address.
    """
    account = queries.find_account(
        session, business_id=place.business_id, email_key=rules.email_key(email)
    )
    proof = prove_or_pretend(
        session, Purpose.PASSWORD_RESET, account, email=email, place=place, minutes=RESET_MINUTES
    )
    mail.queue(
        session,
        emails.PasswordReset(
            sender_name=place.name,
            reply_to=place.reply_to,
            proof_id=proof.id,
            path=place.path,
            minutes=RESET_MINUTES,
        )
        if account and account.disabled_at is None
        else emails.NoLoginHere(
            sender_name=place.name,
            reply_to=place.reply_to,
            path=place.path,
            asked_for="a new password",
        ),
        to=proof.email,
        business_id=place.business_id,
    )


def whose_reset(session: Session, secret: str, *, place: emails.Place) -> Account:
    """Whose password the link changes, without using it. Raises Expired."""
    proof = peek_link(session, Purpose.PASSWORD_RESET, secret, business_id=place.business_id)
    return queries.account(session, proof.subject_id)


def reset(
    session: Session, *, secret: str, password_hash: str, place: emails.Place
) -> Account | Refusal:
    """Use the link: the new password counts, every session ends, nobody is signed in."""
    proof = redeem_link(session, Purpose.PASSWORD_RESET, secret, business_id=place.business_id)
    if isinstance(proof, Refusal):
        return proof
    account = queries.account(session, proof.subject_id)
    set_password(
        session,
        account,
        password_hash,
        place=place,
        by=audit.Actor(ActorKind.VISITOR, account.id, account.name or "a visitor"),
    )
    return account
