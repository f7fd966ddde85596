"""Cards: kept, put into service, and deleted at the gateway when their time is over."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from booking import clock, wakeup
from booking.audit.actions import SYSTEM, Actor, record
from booking.billing import queries
from booking.billing.actions.holding import TEND
from booking.billing.actions.telling import tell
from booking.billing.emails import CardChanged
from booking.billing.gateways.protocol import KeptCard, Payer
from booking.billing.models import CardState, PaymentCard, TermsAcceptance
from booking.billing.rules import cards as rules
from booking.billing.rules.terms import TERMS
from booking.billing.sealing import seal, unseal
from booking.businesses.queries import owners, this_business
from booking.database import across_businesses, business_of, keyring_of, new_id

_TRIED_AGAIN_AFTER = timedelta(minutes=10)


def payer(session: Session) -> Payer:
    business = this_business(session)
    return Payer(str(business.id), business.name, owners(session)[0].email)


def accept_terms(session: Session, *, by: Actor) -> None:
    acceptance = TermsAcceptance(
        id=new_id(),
        business_id=business_of(session),
        version=TERMS.version,
        account_id=by.id,
        account_name=by.name[:200],
        accepted_at=clock.now(),
    )
    session.add(acceptance)
    record(session, "billing.terms_accepted", acceptance, by=by, version=TERMS.version)


def keep(session: Session, kept: KeptCard, gateway: str, *, by: Actor) -> PaymentCard:
    """Written down as a candidate."""
    card_id = new_id()
    card = PaymentCard(
        id=card_id,
        business_id=business_of(session),
        gateway=gateway,
        sealed=seal(keyring_of(session), card_id, kept.reference),
        brand=kept.brand[:40],
        last4=kept.last4[-4:],
        expires=kept.expires[:7],
        state=CardState.CANDIDATE,
        given_by=by.name[:200],
        created_at=clock.now(),
    )
    session.add(card)
    session.flush()
    return card


def go_live(session: Session, card: PaymentCard) -> None:
    """From here on this one is asked; the one before is to be deleted at the gateway."""
    before = queries.live_card(session)
    if before is not None:
        retire(before)
        session.flush()
    card.state = CardState.LIVE
    shown = f"{card.brand} {card.last4}"
    record(session, "billing.card_changed", card, by=SYSTEM, card=shown, given_by=card.given_by)
    tell(session, CardChanged, card=shown, by=card.given_by)
    wakeup.after_commit(session, TEND)


def drop_candidate(session: Session, card: PaymentCard) -> None:
    """It paid nothing and takes no other's place."""
    if card.state is CardState.CANDIDATE:
        retire(card)
        wakeup.after_commit(session, TEND)


def retire(card: PaymentCard) -> None:
    card.state = CardState.RETIRED
    card.forget_at = clock.now()


@dataclass(frozen=True, slots=True)
class Usable:
    card: PaymentCard
    reference: str


def usable(session: Session, card: PaymentCard | None, gateway: str) -> Usable | str:
    """The card with the reference to it, or why it can't be asked: a code of `rules.cards`."""
    if card is None or card.gateway != gateway:
        return rules.NO_CARD
    if card.refused:
        return card.refused
    if rules.is_over(card.expires, clock.now()):
        return rules.EXPIRED
    reference = unseal(keyring_of(session), card.id, card.sealed)
    return Usable(card, reference) if reference else rules.NO_CARD


@dataclass(frozen=True, slots=True)
class Retired:
    """`reference` is None where nobody can read it any more."""

    card_id: uuid.UUID
    business_id: uuid.UUID
    reference: str | None


def has_retired(session: Session) -> bool:
    with across_businesses(session):
        return session.scalar(_retired().with_only_columns(PaymentCard.id)) is not None


def next_retired(session: Session, gateway: str) -> Retired | None:
    """One that this process is to have deleted at the gateway; again after a while if it fails."""
    with across_businesses(session):
        card = session.scalar(
            _retired().where(PaymentCard.gateway == gateway).with_for_update(skip_locked=True)
        )
    if card is None:
        return None
    card.forget_at = clock.now() + _TRIED_AGAIN_AFTER
    reference = unseal(keyring_of(session), card.id, card.sealed)
    return Retired(card.id, card.business_id, reference)


def _retired() -> Select[PaymentCard]:
    due = (PaymentCard.state == CardState.RETIRED, PaymentCard.forget_at <= clock.now())
    return select(PaymentCard).where(*due).order_by(PaymentCard.id).limit(1)


def forgotten(session: Session, card_id: uuid.UUID) -> None:
    """The gateway has it no more, and neither have we."""
    card = session.scalar(select(PaymentCard).where(PaymentCard.id == card_id))
    if card is not None and card.state is CardState.RETIRED:
        card.state = CardState.FORGOTTEN
        card.sealed = ""
        record(session, "billing.card_forgotten", card, by=SYSTEM)
