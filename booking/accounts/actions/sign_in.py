"""Signing in and out: sessions, and codes by e-mail instead of a password."""

import uuid
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts import emails, queries, rules
from booking.accounts.actions.proofs import end_proofs, prove, redeem_code
from booking.accounts.actions.second_factor import check, is_on
from booking.accounts.models import Account, Proof, SessionKind, SignInSession
from booking.accounts.passwords import Verified
from booking.accounts.queries import KnownPassword
from booking.audit import actions as audit
from booking.database import keyring_of, new_id
from booking.errors import Invalid, NotFound, Refusal, SignInNeeded
from booking.mail import actions as mail
from booking.tokens import Purpose, make_secret

STAFF_SESSION_DAYS = 14
CODE_MINUTES = 10
_SEEN_EVERY = timedelta(minutes=5)
_LONGEST_TOKEN = 200
_LIVE = (  # built once: it is asked with every request of somebody signed in
    select(SignInSession, Account)
    .join(Account, Account.id == SignInSession.account_id)
    .where(
        SignInSession.digest == bindparam("digest"),
        SignInSession.expires_at > bindparam("now"),
        SignInSession.epoch == Account.epoch,
        Account.disabled_at.is_(None),
    )
)


class WrongCredentials(SignInNeeded):
    """The same for an unknown address, a wrong password and a disabled login."""

    code = "wrong_credentials"
    message = "E-mail and password do not fit together. Check both, or choose a new password."


class SecondFactorNeeded(SignInNeeded):
    code = "second_factor_needed"
    message = "Type the code your authenticator app shows now."


class SignedIn(NamedTuple):
    """A live session and whose it is."""

    sign_in: SignInSession
    account: Account


def admit(
    session: Session, known: KnownPassword, verified: Verified, *, code: str = ""
) -> Account | Refusal:
    """Whose password this was, in the transaction that opens the session.

    The password may have changed while it was being verified: then it no longer counts. Refusals
    are returned, so that the way in commits the trace of a failed try before it raises them.
    """
    if not verified.ok or known.account_id is None:  # before anything could take its time
        return WrongCredentials()
    account = session.get(Account, known.account_id)
    if (
        account is None
        or account.password_hash != known.password_hash
        or account.disabled_at is not None
    ):
        return WrongCredentials()
    if is_on(account):
        if not code:
            return SecondFactorNeeded()
        if not check(session, account, code):
            return SecondFactorNeeded("That code is not right. Each code counts only once.")
    if verified.new_hash is not None:
        account.password_hash = verified.new_hash
    return account


def expect_password(account: Account, known: KnownPassword, verified: Verified) -> None:
    """Before a change to the login itself: somebody signed in types their password once more.

    Raises Invalid on `current_password`.
    """
    if not verified.ok or (account.id, account.password_hash) != (
        known.account_id,
        known.password_hash,
    ):
        raise Invalid.field("current_password", "This is not your password.", "wrong_password")


def open_session(
    session: Session, account: Account, *, kind: SessionKind, device: str, days: int
) -> tuple[str, SignInSession]:
    """A new session and its token. The token is handed out once; only its digest is kept."""
    token, moment = make_secret(), clock.now()
    sign_in = SignInSession(
        id=new_id(),
        account_id=account.id,
        digest=keyring_of(session).digest(Purpose.SESSION, token),
        kind=kind,
        epoch=account.epoch,
        device=device[:200],
        created_at=moment,
        last_seen_at=moment,
        expires_at=moment + timedelta(days=days),
    )
    session.add(sign_in)
    session.flush()
    return token, sign_in


def session_of(session: Session, token: str) -> SignedIn | None:
    """Whose token this is; None for an unknown or expired one, one of an earlier epoch, and for a
    disabled account. One query."""
    if not token.isascii() or len(token) > _LONGEST_TOKEN:
        return None
    digest = keyring_of(session).digest(Purpose.SESSION, token)
    row = session.execute(_LIVE, {"digest": digest, "now": clock.now()}).one_or_none()
    return None if row is None else SignedIn(row[0], row[1])


def is_worth_noting(sign_in: SignInSession) -> bool:
    """Whether `note_seen` is due: a write for each read would cost more than it tells."""
    return clock.now() - sign_in.last_seen_at >= _SEEN_EVERY


def note_seen(session: Session, sign_in_id: uuid.UUID) -> None:
    session.execute(
        update(SignInSession).where(SignInSession.id == sign_in_id).values(last_seen_at=clock.now())
    )


def sessions(session: Session, account: Account) -> list[SignInSession]:
    """The live sessions of an account, latest first."""
    return list(
        session.scalars(
            select(SignInSession)
            .where(
                SignInSession.account_id == account.id,
                SignInSession.epoch == account.epoch,
                SignInSession.expires_at > clock.now(),
            )
            .order_by(SignInSession.id.desc())
        )
    )


def end_session(session: Session, account: Account, sign_in_id: uuid.UUID) -> None:
    """Raises NotFound where this account has no such live session."""
    found = session.get(SignInSession, sign_in_id)
    is_live = (
        found is not None
        and found.account_id == account.id
        and found.epoch == account.epoch
        and found.expires_at > clock.now()
    )
    if found is None or not is_live:
        raise NotFound
    session.delete(found)


def end_all_sessions(session: Session, account: Account) -> None:
    """Access ends at the next request of every browser and program."""
    account.epoch = Account.epoch + 1
    session.execute(delete(SignInSession).where(SignInSession.account_id == account.id))
    session.flush()
    session.refresh(account, ["epoch"])


def end_client_sessions(session: Session, business_id: uuid.UUID) -> None:
    """The same for all clients of one business."""
    session.execute(
        update(Account).where(Account.business_id == business_id).values(epoch=Account.epoch + 1)
    )


def disable(session: Session, account: Account, *, by: audit.Actor) -> None:
    """The account can't be used; its sessions and outstanding proofs end."""
    account.disabled_at = clock.now()
    end_all_sessions(session, account)
    end_proofs(session, account.id)
    audit.record(session, "account.disabled", account, by=by)


def request_code(session: Session, *, email: str, place: emails.Place) -> None:
    """A code by e-mail instead of a password. The same work and one mail for any address; an
    address without a login is told so, in its mailbox. Raises Invalid for what is no address."""
    account = queries.find_account(
        session, business_id=place.business_id, email_key=rules.email_key(email)
    )
    proof = prove_or_pretend(
        session, Purpose.SIGN_IN_CODE, account, email=email, place=place, minutes=CODE_MINUTES
    )
    mail.queue(
        session,
        emails.SignInCode(
            sender_name=place.name,
            reply_to=place.reply_to,
            proof_id=proof.id,
            minutes=CODE_MINUTES,
        )
        if account and account.disabled_at is None
        else emails.NoLoginHere(
            sender_name=place.name,
            reply_to=place.reply_to,
            path=place.path,
            asked_for="a sign-in code",
        ),
        to=proof.email,
        business_id=place.business_id,
    )


def prove_or_pretend(
    session: Session,
    purpose: Purpose,
    account: Account | None,
    *,
    email: str,
    place: emails.Place,
    minutes: int,
) -> Proof:
    """A proof for the account's stored address; for no account one that is over from the start, so
    that both take as long."""
    is_known = account is not None and account.disabled_at is None
    proof = prove(
        session,
        purpose,
        subject_id=account.id if account and is_known else new_id(),
        email=account.email if account and is_known else email,
        business_id=place.business_id,
        minutes=minutes,
    )
    if not is_known:
        proof.ended_at = proof.created_at
    return proof


def redeem_sign_in_code(
    session: Session, *, email: str, business_id: uuid.UUID | None, code: str
) -> Account | Refusal:
    """Whose code this is. Wrong tries are counted: commit, then raise the refusal."""
    proof = redeem_code(
        session,
        Purpose.SIGN_IN_CODE,
        email_key=rules.email_key(email),
        business_id=business_id,
        code=code,
    )
    return proof if isinstance(proof, Refusal) else queries.account(session, proof.subject_id)


def forget_expired(session: Session, *, kept_days: int = 30) -> None:
    """Remove sessions and proofs that ended long ago."""
    before = clock.now() - timedelta(days=kept_days)
    session.execute(delete(SignInSession).where(SignInSession.expires_at < before))
    session.execute(delete(Proof).where(Proof.expires_at < before))
