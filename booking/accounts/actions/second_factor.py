"""The second step of signing in: a code of an authenticator app (TOTP, RFC 6238)."""

import base64
import hashlib
import hmac
import uuid

import pyotp
from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts import emails, rules
from booking.accounts.models import Account
from booking.accounts.passwords import check_new
from booking.audit import actions as audit
from booking.database import keyring_of
from booking.errors import Conflict, Invalid
from booking.mail import actions as mail
from booking.tokens import Purpose

_STEP_SECONDS = 30
_STEPS_OF_DRIFT = 1
_TICKET_SECONDS = 300


class SecondFactorOn(Conflict):
    code = "second_factor_on"
    message = "The second step is on already. Switch it off first to set up another app."


class WrongSecondFactor(Invalid):
    code = "wrong_code"
    message = "That code is not right. Use the one your app shows now; each counts only once."

    def __init__(self) -> None:
        super().__init__(fields=Invalid.field("code", self.message, self.code).fields)


def is_on(account: Account) -> bool:
    return account.second_factor_since is not None


def begin(account: Account) -> None:
    """A new secret to set up an app with; it counts once `confirm` has seen a code of it."""
    if is_on(account):
        raise SecondFactorOn
    account.totp_generation += 1
    account.totp_last_step = 0


def secret(session: Session, account: Account) -> str:
    """The secret that an app is set up with, in base 32: derived, kept nowhere."""
    derived = keyring_of(session).derive(Purpose.SECOND_FACTOR, account.id, account.totp_generation)
    return base64.b32encode(hashlib.sha256(derived.encode()).digest()[:20]).decode()


def setup_address(session: Session, account: Account, *, issuer: str) -> str:
    """The otpauth:// address for the QR code."""
    totp = pyotp.TOTP(secret(session, account))
    return totp.provisioning_uri(name=account.email, issuer_name=issuer)


def confirm(
    session: Session, account: Account, *, code: str, place: emails.Place, by: audit.Actor
) -> None:
    """From now on signing in needs the second step. Raises WrongSecondFactor."""
    if is_on(account):
        raise SecondFactorOn
    if not check(session, account, code):
        raise WrongSecondFactor
    account.second_factor_since = clock.now()
    _tell(session, account, place=place, by=by, is_on=True)


def remove(
    session: Session,
    account: Account,
    *,
    password: str,
    code: str,
    place: emails.Place,
    by: audit.Actor,
) -> None:
    """The password alone opens the login again, so it must be long enough for that.

    The way in has verified `password` before. Raises Invalid.
    """
    if not is_on(account):
        return
    check_new(password, minimum=rules.staff_minimum(second_factor=False))
    if not check(session, account, code):
        raise WrongSecondFactor
    account.second_factor_since = None
    account.totp_generation += 1
    _tell(session, account, place=place, by=by, is_on=False)


def ticket(session: Session, account: Account) -> str:
    """Says for five minutes that this person has typed their password, and waits for the code. It
    opens nothing by itself, and a changed password ends it."""
    until = int(clock.now().timestamp()) + _TICKET_SECONDS
    claim = f"{account.id}.{account.epoch}.{until}"
    return f"{claim}.{_mark(session, claim)}"


def whose_ticket(session: Session, presented: str) -> Account | None:
    claim, _, mark = presented.rpartition(".")
    if not presented.isascii() or not hmac.compare_digest(mark, _mark(session, claim)):
        return None
    account_id, epoch, until = claim.split(".")
    account = session.get(Account, uuid.UUID(account_id))
    if account is None or account.epoch != int(epoch) or account.disabled_at is not None:
        return None
    return account if int(until) > clock.now().timestamp() else None


def _mark(session: Session, claim: str) -> str:
    return keyring_of(session).digest(Purpose.SECOND_FACTOR, claim)


def check(session: Session, account: Account, code: str) -> bool:
    """Whether the code is right, and newer than the last one used: one conditional UPDATE."""
    step = _step_of(secret(session, account), code)
    if step is None:
        return False
    result = session.execute(
        update(Account)
        .where(Account.id == account.id, Account.totp_last_step < step)
        .values(totp_last_step=step)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _step_of(shared: str, code: str) -> int | None:
    """The 30-second step this code belongs to, a step of clock drift either way."""
    typed = "".join(code.split())
    if not (len(typed) == 6 and typed.isascii() and typed.isdigit()):
        return None
    totp, this_step = pyotp.TOTP(shared), int(clock.now().timestamp()) // _STEP_SECONDS
    for step in range(this_step - _STEPS_OF_DRIFT, this_step + _STEPS_OF_DRIFT + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), typed):
            return step
    return None


def _tell(
    session: Session, account: Account, *, place: emails.Place, by: audit.Actor, is_on: bool
) -> None:
    action = "account.second_factor_on" if is_on else "account.second_factor_off"
    audit.record(session, action, account, by=by)
    mail.queue(
        session,
        emails.SecondFactorChanged(
            sender_name=place.name, reply_to=place.reply_to, path=place.path, is_on=is_on
        ),
        to=account.email,
        business_id=place.business_id,
    )
