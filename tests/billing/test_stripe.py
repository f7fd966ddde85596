"""Stripe's gateway, before localstripe; `stripe_stand_in` says what is ours in that."""

import dataclasses
import json
import time
from collections.abc import Iterator

import pytest
from stripe import WebhookSignature

from booking.audit.actions import SYSTEM
from booking.billing.actions.plans import choose_plan
from booking.billing.gateways.protocol import (
    BadEvent,
    Charge,
    KeptCard,
    NotKept,
    Outcome,
    Payer,
    Result,
    Unreachable,
)
from booking.billing.gateways.stripe import StripeGateway
from booking.config import Settings
from tests.billing import stripe_stand_in
from tests.billing.stripe_stand_in import (
    DECLINED_WHEN_CHARGED,
    DECLINED_WHEN_KEPT,
    GOOD,
    SECRET_KEY,
    Stripe,
)
from tests.databases import DatabaseKind
from tests.pages import Pages
from tests.site import Site
from workers import jobs

WEBHOOK_SECRET = "whsec_of_nobody"
SALON = Payer("the-salon", "Happy Paws", "olivia@example.com")
OTHER = Payer("somebody-else", "Other", "other@example.com")
BACK = "http://localhost:8000/manage/happy-paws/billing/card"


@pytest.fixture(scope="module")
def stripe() -> Iterator[Stripe]:
    with stripe_stand_in.stripe() as stand_in:
        yield stand_in


@pytest.fixture
def gateway(stripe: Stripe) -> Iterator[StripeGateway]:
    gateway = StripeGateway(_settings(stripe.url))
    yield gateway
    gateway.close()


def _settings(url: str) -> Settings:
    return Settings(
        stripe_secret_key=SECRET_KEY,
        stripe_webhook_secret=WEBHOOK_SECRET,
        stripe_api_base=url,
        gateway_timeout_seconds=5,
    )


def _kept(stripe: Stripe, gateway: StripeGateway, number: str = GOOD) -> KeptCard:
    session_id = gateway.card_form(SALON, return_url=BACK).address.rpartition("/")[2]
    assert stripe.type_card(session_id, number)
    return gateway.keep_card(session_id, SALON)


def _charge(card: KeptCard, order_id: str) -> Charge:
    return Charge(order_id, 4_900, "USD", card.reference, SALON, "Standard, March 2027")


def test_a_card_is_typed_at_checkout_and_charged_once(
    stripe: Stripe, gateway: StripeGateway
) -> None:
    form = gateway.card_form(SALON, return_url=BACK)
    assert not form.is_frame
    session_id = form.address.rpartition("/")[2]
    asked = stripe.sessions[session_id]
    assert (asked["mode"], asked["cancel_url"]) == ("setup", BACK)
    assert asked["success_url"] == f"{BACK}?payment_token={{CHECKOUT_SESSION_ID}}"
    with pytest.raises(NotKept):
        gateway.keep_card(session_id, SALON)  # nothing was typed yet
    assert not stripe.type_card(session_id, DECLINED_WHEN_KEPT)
    assert stripe.type_card(session_id, GOOD)
    with pytest.raises(NotKept):
        gateway.keep_card(session_id, OTHER)  # somebody else's session
    card = gateway.keep_card(session_id, SALON)
    assert (card.brand, card.last4, card.expires) == ("Visa", "4242", "2030-12")
    assert gateway.keep_card(session_id, SALON) == card

    paid = gateway.charge(_charge(card, "order-a1"))
    assert paid == dataclasses.replace(
        Outcome(Result.APPROVED, "order-a1", payer_id=SALON.id),
        reference=paid.reference,
        amount_minor=4_900,
        currency="USD",
    )
    assert gateway.charge(_charge(card, "order-a1")) == paid
    assert gateway.find("order-a1") == paid
    assert len(_taken(stripe, "order-a1")) == 1


@pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
def test_an_owner_goes_to_checkout_comes_back_and_pays(
    pages: Pages, site: Site, stripe: Stripe
) -> None:
    known = _settings(stripe.url).model_dump(include=set(_settings(stripe.url).model_fields_set))
    site.database.settings = site.settings.model_copy(update=known)
    with site.writing() as session:
        choose_plan(session, "standard", by=SYSTEM)
    jobs.tend_billing(site.database)
    page = pages.owner.get("/manage/happy-paws/billing/card")
    checkout = dict(page.links)["Type the card there"]
    session_id = checkout.rpartition("/")[2]
    assert stripe.type_card(session_id, GOOD)
    back = stripe.sessions[session_id]["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
    page = pages.owner.get(back.removeprefix(site.settings.public_url))
    assert page.says("The card is with our payment processor")
    page = page.submit("/billing/card", accept_terms=True)
    assert page.says("Your card is saved. $59.00 was taken from it")
    assert page.says("Visa ending 4242")


def test_a_declined_card_takes_nothing_and_says_why(stripe: Stripe, gateway: StripeGateway) -> None:
    card = _kept(stripe, gateway, DECLINED_WHEN_CHARGED)
    declined = gateway.charge(_charge(card, "order-b1"))
    assert (declined.result, declined.reason) == (Result.DECLINED, "card_declined")
    found = gateway.find("order-b1")
    assert found is not None
    assert (found.result, found.reason) == (Result.DECLINED, "card_declined")
    gone = dataclasses.replace(_charge(card, "order-b2"), card_reference="cus_gone/pm_gone")
    assert gateway.charge(gone).result is Result.DECLINED
    assert _taken(stripe, "order-b1") == []


def test_a_lost_answer_is_unknown_and_found_afterwards(
    stripe: Stripe, gateway: StripeGateway
) -> None:
    card = _kept(stripe, gateway)
    stripe.lost_answers = 1
    assert gateway.charge(_charge(card, "order-c1")).result is Result.UNKNOWN
    found = gateway.find("order-c1")
    assert found is not None
    assert (found.result, found.amount_minor) == (Result.APPROVED, 4_900)
    assert gateway.find("order-never") is None


def test_what_is_void_is_paid_back_or_can_never_be_taken(
    stripe: Stripe, gateway: StripeGateway
) -> None:
    card = _kept(stripe, gateway)
    gateway.charge(_charge(card, "order-d1"))
    for order_id in ("order-d1", "order-d2"):  # taken; never arrived
        gateway.void(order_id)
        gateway.void(order_id)
        found = gateway.find(order_id)
        assert found is not None
        assert (found.result, found.reason) == (Result.DECLINED, "voided")
    late = gateway.charge(_charge(card, "order-d2"))
    assert late.result is Result.UNKNOWN  # the key is taken up; `find` says it is void
    assert _taken(stripe, "order-d2") == []


def test_a_forgotten_card_is_gone(stripe: Stripe, gateway: StripeGateway) -> None:
    card = _kept(stripe, gateway)
    gateway.forget_card(card.reference)
    gateway.forget_card(card.reference)
    assert gateway.charge(_charge(card, "order-e1")).result is Result.DECLINED
    with pytest.raises(NotKept):
        gateway.keep_card("cs_test_of_nobody", SALON)
    with pytest.raises(NotKept):
        gateway.keep_card("../customers", SALON)


def test_nobody_at_home_is_said_as_such() -> None:
    gateway = StripeGateway(_settings("http://127.0.0.1:9"))
    with pytest.raises(Unreachable):
        gateway.card_form(SALON, return_url=BACK)
    with pytest.raises(Unreachable):
        gateway.void("order-f1")
    card = KeptCard("cus_a/pm_b", "Visa", "4242", "2030-12")
    assert gateway.charge(_charge(card, "order-f1")).result is Result.UNKNOWN
    found = gateway.find("order-f1")
    assert found is not None
    assert found.result is Result.UNKNOWN
    gateway.close()


def test_an_event_is_believed_when_it_is_signed_and_fresh(gateway: StripeGateway) -> None:
    now = int(time.time())
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": now,
        "data": {"object": {"object": "payment_intent", "metadata": {"order_id": "order-a1"}}},
    }
    body = json.dumps(event).encode()

    def signed(at: int, secret: str = WEBHOOK_SECRET, said: bytes = body) -> dict[str, str]:
        mark = WebhookSignature._compute_signature(f"{at}.{said.decode()}", secret)
        return {"stripe-signature": f"t={at},v1={mark}"}

    read = gateway.read_event(signed(now), body)
    assert (read.id, read.kind, read.order_id) == ("evt_1", event["type"], "order-a1")
    assert int(read.occurred_at.timestamp()) == now
    for headers, said in (
        (signed(now - 601), body),
        (signed(now, "whsec_of_somebody"), body),
        (signed(now), body.replace(b"order-a1", b"order-b1")),
        (signed(now, said=b"[]"), b"[]"),
        ({"stripe-signature": "nonsense"}, body),
        ({}, body),
    ):
        with pytest.raises(BadEvent):
            gateway.read_event(headers, said)


def _taken(stripe: Stripe, order_id: str) -> list[str]:
    listed = stripe.ask("GET", "/v1/payment_intents?limit=100")["data"]
    return [
        each["id"]
        for each in listed
        if each["metadata"].get("order_id") == order_id and each["status"] == "succeeded"
    ]
