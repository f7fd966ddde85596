"""Whose visit is it? A guest booking finds its client once the mailbox is proved."""

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from booking.accounts.actions import proofs
from booking.accounts.models import Proof
from booking.clients import queries
from booking.clients.models import Client, ClientStatus
from booking.database import business_of
from booking.errors import Invalid, Refusal
from booking.tokens import Purpose


@dataclass(frozen=True, slots=True)
class Claim:
    """A guest booking whose mailbox is being proved, and the records it may belong to."""

    appointment_id: uuid.UUID
    email: str
    email_key: str
    candidates: list[Client]


def claimable(session: Session, secret: str) -> Claim:
    """Looks behind a booking's link and uses nothing. Raises Expired."""
    return _claim(session, proofs.peek_link(session, Purpose.BOOKING_CLAIM, secret))


def claim(
    session: Session, secret: str, *, client_id: uuid.UUID | None, is_new: bool
) -> tuple[Claim, Client | None] | Refusal:
    """Use the link of a guest booking: whose visit is it?

    With one candidate no choice is needed. None for the client: somebody new, whom the room of
    appointments makes from what was typed with the booking.
    """
    proof = proofs.redeem_link(session, Purpose.BOOKING_CLAIM, secret)
    if isinstance(proof, Refusal):
        return proof
    found = _claim(session, proof)
    if is_new or not found.candidates:
        return found, None
    if client_id is None and len(found.candidates) == 1:
        return found, found.candidates[0]
    chosen = next((c for c in found.candidates if c.id == client_id), None)
    if chosen is None:
        raise Invalid.field("client_id", "Please say whose visit this is.")
    return found, chosen


def _claim(session: Session, proof: Proof) -> Claim:
    if proof.business_id != business_of(session):
        raise proofs.ProofExpired
    found = queries.clients_with_email(session, proof.email_key)
    active = [client for client in found if client.status is ClientStatus.ACTIVE]
    return Claim(proof.subject_id, proof.email, proof.email_key, active or found)
