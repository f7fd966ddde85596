"""CardPointe's gateway, before a small stand-in that speaks its documented answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from booking.billing.gateways.cardpointe import CardPointeGateway
from booking.billing.gateways.protocol import (
    BadEvent,
    Charge,
    KeptCard,
    NotKept,
    Payer,
    Result,
    Unreachable,
)
from booking.config import Settings
from tests.billing import cardpointe_stand_in
from tests.billing.cardpointe_stand_in import MERCHANT, PASSWORD, USER, CardPointe, Then

SALON = Payer("the-salon", "Happy Paws", "olivia@example.com")
TOKEN = "9418594164541111"
ORDER = "hp-2027-03-a1"


@pytest.fixture
def site() -> Iterator[CardPointe]:
    with cardpointe_stand_in.cardpointe() as stand_in:
        yield stand_in


@pytest.fixture
def gateway(site: CardPointe) -> Iterator[CardPointeGateway]:
    with _gateway(site.url) as gateway:
        yield gateway


@contextmanager
def _gateway(url: str, password: str = PASSWORD) -> Iterator[CardPointeGateway]:
    gateway = CardPointeGateway(
        Settings(
            cardpointe_site=url,
            cardpointe_merchant_id=MERCHANT,
            cardpointe_username=USER,
            cardpointe_password=password,
            gateway_timeout_seconds=1,
        )
    )
    yield gateway
    gateway.close()


def _kept(gateway: CardPointeGateway) -> KeptCard:
    return gateway.keep_card(f"{TOKEN}/203012", SALON)


def _charge(card: KeptCard, order_id: str = ORDER) -> Charge:
    return Charge(order_id, 4_900, "USD", card.reference, SALON, "Standard, March 2027")


def test_a_token_becomes_a_profile_that_is_charged_and_deleted(
    site: CardPointe, gateway: CardPointeGateway
) -> None:
    card = _kept(gateway)
    assert (card.brand, card.last4, card.expires) == ("Visa", "1111", "2030-12")
    paid = gateway.charge(_charge(card))
    assert (paid.result, paid.amount_minor, paid.currency) == (Result.APPROVED, 4_900, "USD")
    assert gateway.find(ORDER) == paid
    sent = site.asked[-2][2]
    assert (sent["profile"], sent["ecomind"], sent["cof"]) == (card.reference, "R", "M")
    assert paid.payer_id == SALON.id
    gateway.forget_card(card.reference)
    gateway.forget_card(card.reference)
    assert site.profiles == {}
    assert gateway.charge(_charge(card, "hp-2027-03-a2")).result is Result.DECLINED


@pytest.mark.parametrize(
    ("then", "result", "reason"),
    [
        (Then.RETRY, Result.TRY_AGAIN, "processing_error"),
        (Then.DECLINE, Result.DECLINED, "insufficient_funds"),
        (Then.HTML, Result.UNKNOWN, ""),
    ],
)
def test_http_200_is_no_approval(
    site: CardPointe, gateway: CardPointeGateway, then: Then, result: Result, reason: str
) -> None:
    card = _kept(gateway)
    site.then.append(then)
    outcome = gateway.charge(_charge(card))
    assert (outcome.result, outcome.reason) == (result, reason)
    assert site.captured == []
    assert gateway.find(ORDER) is None
    site.then.append(then)
    with pytest.raises(NotKept if then is Then.DECLINE else Unreachable):
        _kept(gateway)


@pytest.mark.parametrize("then", [Then.LOSE_THE_ANSWER, Then.LOSE_THE_QUESTION])
def test_a_time_out_is_asked_about_and_never_charged_blindly(
    site: CardPointe, gateway: CardPointeGateway, then: Then
) -> None:
    card = _kept(gateway)
    site.then.append(then)
    site.silence = 1.2
    assert gateway.charge(_charge(card)).result is Result.UNKNOWN
    assert [path for _, path, _ in site.asked].count("/cardconnect/rest/auth") == 2
    found = gateway.find(ORDER)
    assert (found and found.result) == (Result.APPROVED if then is Then.LOSE_THE_ANSWER else None)
    gateway.void(ORDER)
    gateway.void(ORDER)
    found = gateway.find(ORDER)
    assert (found and found.reason) == ("voided" if then is Then.LOSE_THE_ANSWER else None)
    assert site.captured == []
    assert gateway.charge(_charge(card, "hp-2027-03-a2")).result is Result.APPROVED


def test_what_it_says_it_took_is_what_counts(site: CardPointe, gateway: CardPointeGateway) -> None:
    card = _kept(gateway)
    site.amount_said = "20.00"
    assert gateway.charge(_charge(card)).amount_minor == 2_000


def test_where_the_question_never_arrives_nothing_was_taken(site: CardPointe) -> None:
    card = KeptCard("1/1", "Visa", "1111", "2030-12")
    for url, password in (("http://127.0.0.1:9", PASSWORD), (site.url, "wrong")):
        with _gateway(url, password) as gateway:
            assert gateway.charge(_charge(card)).result is Result.TRY_AGAIN
            with pytest.raises(Unreachable):
                gateway.void(ORDER)
    assert site.asked == []


@pytest.mark.parametrize(
    "token", ["4111111111111111", "9418", "9418594164541111/12", "../auth", ""]
)
def test_only_a_token_is_taken_for_one(
    site: CardPointe, gateway: CardPointeGateway, token: str
) -> None:
    with pytest.raises(NotKept):
        gateway.keep_card(token, SALON)
    assert site.asked == []


def test_the_frame_is_shown_from_its_own_origin() -> None:
    with _gateway("fts-uat") as gateway:
        form = gateway.card_form(SALON, return_url="http://localhost/")
        assert form.is_frame
        assert form.origin == "https://fts-uat.cardconnect.com"
        address = urlsplit(form.address)
        assert address.path == "/itoke/ajax-tokenizer.html"
        options = parse_qs(address.query)
        assert options["useexpiry"] == options["usecvv"] == options["enhancedresponse"] == ["true"]
        with pytest.raises(BadEvent):
            gateway.read_event({}, b"{}")
