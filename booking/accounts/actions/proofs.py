"""Proofs of a mailbox: mailed, opened, used once."""

import uuid
from datetime import timedelta

from sqlalchemy import ColumnElement, CursorResult, or_, select, update
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts import rules
from booking.accounts.models import Proof
from booking.database import keyring_of, new_id
from booking.errors import Expired, Invalid, Refusal
from booking.tokens import Purpose

WRONG_CODES_ALLOWED = 5
_LATEST_PROOFS_TRIED = 10


class ProofUsed(Expired):
    code = "used"
    message = "This was used already. If that was not you, ask for a new one."


class ProofExpired(Expired):
    code = "expired"
    message = "This is no longer valid. Ask for a new one."


class ProofReplaced(Expired):
    code = "replaced"
    message = "A newer message replaced this one. Use the latest, or ask for a new one."


class WrongCode(Invalid):
    """Says the same for an unknown address, a wrong code and one too many tries."""

    code = "wrong_code"
    message = "That code is not right, or no longer valid. Check it, or ask for a new one."

    def __init__(self) -> None:
        super().__init__(fields=Invalid.field("code", self.message, self.code).fields)


def prove(
    session: Session,
    purpose: Purpose,
    *,
    subject_id: uuid.UUID,
    email: str,
    business_id: uuid.UUID | None,
    minutes: int,
) -> Proof:
    """A new proof; older ones of that purpose and subject end. Its mail is queued by whoever asks,
    with the id alone: the worker derives link and code from it.

    Raises Invalid where `email` can't be an address.
    """
    email_key = rules.email_key(email)
    if email_key is None:
        raise Invalid.field("email", "Type an address like name@example.com")
    end_proofs(session, subject_id, purpose)
    moment, proof_id = clock.now(), new_id()
    keyring = keyring_of(session)
    proof = Proof(
        id=proof_id,
        purpose=purpose,
        business_id=business_id,
        subject_id=subject_id,
        email=email.strip(),
        email_key=email_key,
        link_digest=keyring.digest(purpose, keyring.derive(purpose, proof_id)),
        code_digest=keyring.digest(purpose, keyring.derive_code(purpose, proof_id)),
        wrong_codes=0,
        created_at=moment,
        expires_at=moment + timedelta(minutes=minutes),
    )
    session.add(proof)
    session.flush()
    return proof


def peek_link(
    session: Session, purpose: Purpose, secret: str, *, business_id: uuid.UUID | None = None
) -> Proof:
    """The live proof behind a link, unused by this look. Raises Expired.

    Where `business_id` is named, a proof of another business is as an unknown one.
    """
    proof = _behind_link(session, purpose, secret, business_id)
    if proof is None:
        raise ProofExpired
    refusal = _why_not(proof)
    if refusal is not None:
        raise refusal
    return proof


def redeem_link(
    session: Session, purpose: Purpose, secret: str, *, business_id: uuid.UUID | None = None
) -> Proof | Refusal:
    """Use the link, once. An unknown link, one of another purpose and, where `business_id` is
    named, one of another business are as an expired one."""
    proof = _behind_link(session, purpose, secret, business_id)
    return ProofExpired() if proof is None else _consume(session, proof)


def redeem_code(
    session: Session,
    purpose: Purpose,
    *,
    email_key: str | None,
    business_id: uuid.UUID | None,
    code: str,
) -> Proof | Refusal:
    """Use a typed code, once. A wrong one is counted: the refusal is returned, not raised, so that
    the way in commits the count first."""
    digits = "".join(code.split())
    if email_key is None or not (digits.isascii() and digits.isdigit()):
        return WrongCode()
    proofs = _with_code(session, purpose, email_key, business_id)
    keyring = keyring_of(session)
    for proof in proofs:
        if keyring.matches(purpose, digits, proof.code_digest):
            return _consume(session, proof)
    for proof in proofs:
        proof.wrong_codes += 1
    return WrongCode()


def end_proofs(session: Session, subject_id: uuid.UUID, purpose: Purpose | None = None) -> None:
    """What was mailed for this subject proves nothing any more; of every purpose, unless named."""
    live = update(Proof).where(
        Proof.subject_id == subject_id, Proof.used_at.is_(None), Proof.ended_at.is_(None)
    )
    if purpose is not None:
        live = live.where(Proof.purpose == purpose)
    session.execute(live.values(ended_at=clock.now()))


def end_proofs_of_address(
    session: Session, email_key: str, *, business_id: uuid.UUID | None, purpose: Purpose
) -> None:
    """The same for everything of one purpose that was mailed to one address of one place."""
    session.execute(
        update(Proof)
        .where(
            Proof.purpose == purpose,
            Proof.email_key == email_key,
            _of_place(business_id),
            Proof.used_at.is_(None),
            Proof.ended_at.is_(None),
        )
        .values(ended_at=clock.now())
    )


def _behind_link(
    session: Session, purpose: Purpose, secret: str, business_id: uuid.UUID | None
) -> Proof | None:
    if not secret.isascii():
        return None
    digest = keyring_of(session).digest(purpose, secret)
    wanted = select(Proof).where(Proof.purpose == purpose, Proof.link_digest == digest)
    if business_id is not None:
        wanted = wanted.where(Proof.business_id == business_id)
    return session.scalar(wanted)


def _with_code(
    session: Session, purpose: Purpose, email_key: str, business_id: uuid.UUID | None
) -> list[Proof]:
    """The latest proofs whose code may still be tried, locked: tries wait for one another, so that
    many at once count as many."""
    return list(
        session.scalars(
            select(Proof)
            .where(
                Proof.purpose == purpose,
                Proof.email_key == email_key,
                _of_place(business_id),
                Proof.wrong_codes < WRONG_CODES_ALLOWED,
                or_(Proof.used_at.is_not(None), Proof.expires_at > clock.now()),
            )
            .order_by(Proof.id.desc())
            .limit(_LATEST_PROOFS_TRIED)
            .with_for_update(),
            execution_options={"populate_existing": True},
        )
    )


def _of_place(business_id: uuid.UUID | None) -> ColumnElement[bool]:
    return Proof.business_id.is_(None) if business_id is None else Proof.business_id == business_id


def _consume(session: Session, proof: Proof) -> Proof | Refusal:
    """One conditional UPDATE decides: of fifty at once, one uses it."""
    moment = clock.now()
    result = session.execute(
        update(Proof)
        .where(
            Proof.id == proof.id,
            Proof.used_at.is_(None),
            Proof.ended_at.is_(None),
            Proof.expires_at > moment,
        )
        .values(used_at=moment)
    )
    assert isinstance(result, CursorResult)
    if result.rowcount == 1:
        return proof
    session.refresh(proof)
    return _why_not(proof) or ProofExpired()


def _why_not(proof: Proof) -> Refusal | None:
    if proof.used_at is not None:
        return ProofUsed()
    if proof.ended_at is not None:
        return ProofReplaced()
    if proof.expires_at <= clock.now():
        return ProofExpired()
    return None
