"""Everything for which the gateway is asked: rounds of verbs, each a transaction of its own, and
between them, while none is open, the network."""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.orm import Session

from booking.audit.actions import Actor
from booking.billing import queries
from booking.billing.actions import cards, charging, events, steps
from booking.billing.actions.charging import Intent
from booking.billing.actions.holding import expect_no_payment, hold, plan_next_look
from booking.billing.gateways.opening import open_gateway
from booking.billing.gateways.protocol import (
    BadEvent,
    CardForm,
    Gateway,
    KeptCard,
    NotKept,
    Outcome,
    Result,
    Unreachable,
)
from booking.billing.models import ChargeState
from booking.billing.queries import Standing
from booking.billing.rules.cards import VOIDED, in_words
from booking.billing.rules.standing import Action
from booking.config import Settings
from booking.database import Database, set_business
from booking.errors import FieldError, Invalid, NotFound, Overloaded, PaymentNeeded, Refusal

_log = logging.getLogger(__name__)


class CardDeclined(PaymentNeeded):
    code = "card_declined"
    message = "The card was declined. Nothing was changed and nothing was taken."


class TermsNotAccepted(Invalid):
    code = "terms_not_accepted"
    message = "Please accept the terms first."


class GatewayAway(Overloaded):
    code = "payment_processor_away"
    message = "The payment processor does not answer at the moment. Nothing was changed."
    retry_after = 60


class EventRefused(Refusal):
    code = "event_refused"
    message = "This is not a fresh event with a signature that fits."


@contextmanager
def _gateway(settings: Settings) -> Iterator[Gateway]:
    gateway = open_gateway(settings)
    try:
        yield gateway
    finally:
        gateway.close()


@contextmanager
def _writing(database: Database, business_id: uuid.UUID) -> Iterator[Session]:
    with database.writing() as session:
        set_business(session, business_id)
        yield session


def card_form(database: Database, business_id: uuid.UUID, *, return_path: str) -> CardForm:
    """How the owner's browser gives a card to the gateway. Raises NoGateway, GatewayAway."""
    with database.reading() as session:
        set_business(session, business_id)
        payer = cards.payer(session)
    with _gateway(database.settings) as gateway:
        try:
            return gateway.card_form(
                payer, return_url=f"{database.settings.public_url}{return_path}"
            )
        except Unreachable as error:
            raise GatewayAway from error


def update_card(
    database: Database,
    business_id: uuid.UUID,
    payment_token: str,
    *,
    accept_terms: bool,
    by: Actor,
) -> Standing:
    """The card behind that token is the one on file; what is due is taken from it first, and if
    that fails all stays as it was.

    While nobody knows whether it was taken, the standing that is given back says so. Raises
    TermsNotAccepted, PaymentInProgress, CardDeclined, NoGateway, GatewayAway.
    """
    if not accept_terms:
        words = "Tick the box to accept the terms."
        raise TermsNotAccepted(fields=(FieldError("accept_terms", "terms_not_accepted", words),))
    with _gateway(database.settings) as gateway:
        kept = _keep(database, gateway, business_id, payment_token)
        with _writing(database, business_id) as session:
            intent = _take_into_service(session, kept, gateway.name, by=by)
        if isinstance(intent, Refusal):
            raise intent
        if intent is not None:
            _pay_now(database, gateway, business_id, intent)
    with database.reading() as session:
        set_business(session, business_id)
        return queries.standing(session)


def _keep(
    database: Database, gateway: Gateway, business_id: uuid.UUID, payment_token: str
) -> KeptCard:
    with database.reading() as session:
        set_business(session, business_id)
        expect_no_payment(session)
        payer = cards.payer(session)
    try:
        return gateway.keep_card(payment_token, payer)
    except NotKept as error:
        raise _declined(error.reason) from error
    except Unreachable as error:
        raise GatewayAway from error


def _declined(reason: str) -> CardDeclined:
    return CardDeclined(
        f"The card was not accepted: {in_words(reason)}. Nothing was changed and nothing was "
        "taken. Try another card, or ask your bank.",
        reason=reason,
    )


def _take_into_service(
    session: Session, kept: KeptCard, gateway: str, *, by: Actor
) -> Intent | Refusal | None:
    """What is to be asked of the gateway before the card may take the other's place, if anything
    is. A refusal leaves a trace: the card is at the gateway already and must go there again."""
    account = hold(session)
    cards.accept_terms(session, by=by)
    card = cards.keep(session, kept, gateway, by=by)
    intent: Intent | Refusal | None = None
    try:
        expect_no_payment(session)
        invoice = queries.open_invoice(session)
        found = cards.usable(session, card, gateway)
        if isinstance(found, str):
            raise _declined(found)
        if invoice is None or queries.standing(session).action is Action.UPDATE_CARD:
            cards.go_live(session, card)
        else:
            intent = charging.begin(session, invoice, card, found.reference, is_by_plan=False)
    except Refusal as refusal:
        cards.drop_candidate(session, card)
        intent = refusal
    plan_next_look(session, account)
    return intent


def _pay_now(database: Database, gateway: Gateway, business_id: uuid.UUID, intent: Intent) -> None:
    """Raises CardDeclined. Where the answer was lost the gateway is asked once; then the job asks
    on."""
    outcome = _ask(gateway, intent)
    if outcome.result is Result.UNKNOWN:
        outcome = gateway.find(intent.order_id) or outcome
    with _writing(database, business_id) as session:
        state = charging.settle(session, intent.charge_id, outcome)
    if state not in (ChargeState.APPROVED, ChargeState.BEGUN):
        raise _declined(outcome.reason)


def tend_due(database: Database, is_over: Callable[[], bool]) -> int:
    """Whatever is due in any business's account, and cards to be deleted; how many were looked at.
    What goes wrong in one holds up no other."""
    with database.reading() as session:
        due = steps.due_businesses(session)
        has_retired = cards.has_retired(session)
    if not (due or has_retired):
        return 0
    if not database.settings.gateways:
        return sum(_tend_safely(database, None, each) for each in due if not is_over())
    with _gateway(database.settings) as gateway:
        tended = sum(_tend_safely(database, gateway, each) for each in due if not is_over())
        while not is_over() and _forget_next(database, gateway):
            tended += 1
    return tended


def _tend_safely(database: Database, gateway: Gateway | None, business_id: uuid.UUID) -> int:
    try:
        tend(database, gateway, business_id)
    except Exception:  # noqa: BLE001 - whatever it is, the others go on
        _log.exception("an account could not be tended", extra={"business": str(business_id)})
    return 1


def tend(database: Database, gateway: Gateway | None, business_id: uuid.UUID) -> None:
    """What is due in the account of one business."""
    with _writing(database, business_id) as session:
        intent = steps.take_stock(session, gateway.name if gateway else "")
    if intent is None or gateway is None or intent.gateway != gateway.name:
        return
    outcome = _ask(gateway, intent)
    with _writing(database, business_id) as session:
        charging.settle(session, intent.charge_id, outcome)


def _ask(gateway: Gateway, intent: Intent) -> Outcome:
    if intent.order is not None:
        return gateway.charge(intent.order)
    return _find_out(gateway, intent.order_id)


def _find_out(gateway: Gateway, order_id: str) -> Outcome:
    """What became of an order that nobody had an answer to. One the gateway never heard of is made
    void there before there is another: it could still be on its way."""
    found = gateway.find(order_id)
    if found is not None:
        return found
    try:
        gateway.void(order_id)
    except Unreachable:
        return Outcome(Result.UNKNOWN, order_id)
    return gateway.find(order_id) or Outcome(Result.DECLINED, order_id, VOIDED)


def _forget_next(database: Database, gateway: Gateway) -> bool:
    """Delete one card at the gateway that is not in service any more; whether there was one."""
    with database.writing() as session:
        retired = cards.next_retired(session, gateway.name)
    if retired is None:
        return False
    if retired.reference is not None:
        try:
            gateway.forget_card(retired.reference)
        except Unreachable as error:
            _log.warning("a card could not be deleted at the gateway yet: %s", error)
            return True
    with _writing(database, retired.business_id) as session:
        cards.forgotten(session, retired.card_id)
    return True


def take_event(
    database: Database, gateway_name: str, headers: Mapping[str, str], body: bytes
) -> bool:
    """Whether it was news. What it is about is asked of the gateway, never read from it.

    Raises NotFound where that gateway is not ours, EventRefused for what it did not send or sent
    long ago.
    """
    if gateway_name not in database.settings.gateways:
        raise NotFound
    with _gateway(database.settings) as gateway:
        try:
            event = gateway.read_event(headers, body)
        except BadEvent as error:
            _log.warning("an event in the name of %s was refused: %s", gateway.name, error.words)
            raise EventRefused from error
        with database.reading() as session:
            is_known = events.is_known(session, gateway.name, event.id)
            concerned = events.concerned(session, gateway.name, event.order_id)
        if is_known:
            return False
        outcome = gateway.find(event.order_id) if concerned and event.order_id else None
    with database.writing() as session:
        is_new = events.note(session, gateway_name, event)
        if is_new and concerned and outcome and outcome.result is not Result.UNKNOWN:
            set_business(session, concerned.business_id)
            charging.settle(session, concerned.charge_id, outcome)
    return is_new
