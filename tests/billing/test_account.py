"""The owner's account: its card, its plan and its invoices, by the API."""

from datetime import timedelta

from sqlalchemy import select

from booking.billing.models import CardState, ChargeState, TermsAcceptance
from booking.billing.rules.plans import GROUP, SOLO, STANDARD
from booking.billing.rules.standing import GRACE, BillingStatus
from booking.billing.rules.terms import TERMS
from tests.billing.conftest import Books
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.sandbox import DECLINED, MASTERCARD, NEVER_KEPT, NO_MONEY
from tests.times import Clock
from tests.world import World

BILLING = "/businesses/{b}/billing"
PRICE = STANDARD.price_minor
JUST_AFTER = timedelta(seconds=1)


def test_a_business_is_active_with_nothing_due_from_its_first_day(
    books: Books, api: Api, clock: Clock
) -> None:
    shown = api.owner.get(BILLING).json()
    assert (shown["status"], shown["amount_due"], shown["card"]) == ("active", 0, None)
    assert shown["plan"]["code"] == "complimentary"
    assert shown["action"] == "update_card"
    assert not shown["read_only"]
    clock.move(days=45)
    books.tend()
    standing = books.standing
    assert not standing.is_read_only
    assert clock.now() < standing.covered_until <= clock.now() + timedelta(days=31)
    assert api.owner.get(f"{BILLING}/invoices").json()["items"] == []
    answer = api.owner.post(f"{BILLING}/cancel")
    assert problem_of(answer, 409)["code"] == "nothing_to_cancel"


def test_only_owners_see_and_change_the_account(api: Api) -> None:
    for caller in (api.manager, api.staff, api.client):
        assert caller.get(BILLING).status_code == 403
        body = {"payment_token": "x", "accept_terms": True}
        assert caller.post(f"{BILLING}/card", json=body).status_code == 403
        assert caller.post(f"{BILLING}/cancel").status_code == 403


def test_a_card_is_kept_once_the_terms_are_accepted(
    books: Books, api: Api, mailbox: Mailbox, world: World
) -> None:
    token = books.sandbox.token(MASTERCARD)
    for body in ({"payment_token": token}, {"payment_token": token, "accept_terms": False}):
        answer = api.owner.post(f"{BILLING}/card", json=body)
        assert problem_of(answer, 422)["code"] == "terms_not_accepted"
        assert fields_of(answer) == {"accept_terms": "terms_not_accepted"}
    assert books.cards == []
    refused = books.give_card(NEVER_KEPT)
    assert problem_of(refused, 402)["code"] == "card_declined"
    assert books.cards == []

    shown = books.give_card(MASTERCARD).json()
    card = {"brand": "Mastercard", "last4": "4444", "expires": "2031-12", "refused": None}
    assert shown["card"] == card
    assert shown["amount_due"] == 0
    assert "new card" in mailbox.latest(world.owner.email).text
    with books.site.writing() as session:
        [accepted] = session.scalars(select(TermsAcceptance))
    assert (accepted.version, accepted.account_id) == (TERMS.version, world.owner.account_id)
    assert books.sandbox.orders == []


def test_past_due_the_new_card_pays_first_or_nothing_changes(
    books: Books, api: Api, clock: Clock, mailbox: Mailbox, world: World
) -> None:
    books.choose("standard")
    books.tend()
    shown = api.owner.get(BILLING).json()
    assert (shown["status"], shown["amount_due"]) == ("past_due", PRICE)
    assert shown["action"] == "update_and_process_card"
    failed = mailbox.latest(world.owner.email)
    assert "there is no card on file" in failed.text
    assert failed.link("/manage/") == "/manage/happy-paws/billing"

    for number, reason in ((DECLINED, "card_declined"), (NO_MONEY, "insufficient_funds")):
        refused = problem_of(books.give_card(number), 402)
        assert (refused["code"], refused["reason"]) == ("card_declined", reason)
        assert api.owner.get(BILLING).json() == shown, "nothing changed"
    expired = problem_of(books.give_card(expires="2027-02"), 402)
    assert "expired" in expired["detail"]
    assert books.sandbox.captures == []
    books.tend()
    assert {card.state for card in books.cards} == {CardState.FORGOTTEN}

    key = {"Idempotency-Key": "pay-once"}
    body = {"payment_token": books.sandbox.token(), "accept_terms": True}
    for _ in range(2):
        paid = api.owner.post(f"{BILLING}/card", json=body, headers=key)
        assert paid.status_code == 200, paid.text
        assert (paid.json()["status"], paid.json()["amount_due"]) == ("active", 0)
    assert books.sandbox.captures == [PRICE]
    assert books.standing.due_since is None
    receipts = [m for m in mailbox.to(world.owner.email) if m.subject == "Your payment of $59.00"]
    assert len(receipts) == 1
    [invoice] = api.owner.get(f"{BILLING}/invoices").json()["items"]
    assert (invoice["number"], invoice["state"]) == ("HAPPY-PAWS-0001", "paid")
    assert (invoice["card"], invoice["total"]) == ("Visa 4242", PRICE)
    assert api.owner.get(f"{BILLING}/invoices/{invoice['number']}").json() == invoice


def test_while_nobody_knows_whether_it_was_taken_nothing_is_paid_twice(
    books: Books, api: Api, clock: Clock
) -> None:
    books.choose("standard")
    books.tend()
    books.sandbox.fault("lose_answer")
    books.sandbox.fault("any", on="find")
    answer = books.give_card()
    assert answer.status_code == 202
    assert answer.json()["payment_in_progress"]
    again = books.give_card(MASTERCARD)
    assert problem_of(again, 409)["code"] == "payment_in_progress"
    assert problem_of(api.owner.post(f"{BILLING}/cancel"), 409)["code"] == "payment_in_progress"
    clock.move(minutes=5)
    books.tend()
    assert books.sandbox.captures == [PRICE]
    assert (books.standing.status, books.standing.amount_due) == (BillingStatus.ACTIVE, 0)
    assert [card.state for card in books.cards] == [CardState.LIVE]


def test_a_gateway_that_is_away_changes_nothing(books: Books, clock: Clock) -> None:
    books.paid()
    books.sandbox.fault("any", on="keep")
    assert problem_of(books.give_card(MASTERCARD), 503)["code"] == "payment_processor_away"
    [card] = books.cards
    assert card.last4 == "4242"


def test_an_unpaid_month_ends_in_steps_each_of_which_the_owner_is_told(
    books: Books, clock: Clock, mailbox: Mailbox, world: World
) -> None:
    books.paid()
    assert books.give_card(NO_MONEY).status_code == 200
    mailbox.collect()
    due = books.standing.covered_until
    told: dict[int, list[str]] = {}
    for day in (0, 2, 3, 6, 7, 14, 15, 16, 29, 30, 31):
        clock.set(due + timedelta(days=day, minutes=1))
        books.tend()
        new = [mail for mail in mailbox.collect() if mail.to == world.owner.email]
        if new:
            told[day] = [mail.subject for mail in new]
            assert all(mail.link("/manage/") == "/manage/happy-paws/billing" for mail in new)
        assert books.standing.is_read_only is (day >= GRACE.days)
    failed = ["Your payment could not be taken"]
    assert told == {
        **dict.fromkeys((0, 3, 7, 14), failed),
        15: ["Your site is read-only until the payment is made"],
        30: ["Your plan is cancelled"],
    }
    assert (books.standing.status, books.standing.amount_due) == (BillingStatus.CANCELLED, 0)
    assert books.sandbox.captures == [PRICE]


def test_a_cancelled_plan_goes_on_to_its_end_and_can_be_taken_up_again(
    books: Books, api: Api, clock: Clock, mailbox: Mailbox, world: World
) -> None:
    books.paid()
    end = books.standing.covered_until
    shown = [api.owner.post(f"{BILLING}/cancel").json() for _ in range(2)]
    assert {each["status"] for each in shown} == {"cancelled"}
    assert api.owner.post(f"{BILLING}/resume").json()["status"] == "active"
    api.owner.post(f"{BILLING}/cancel")
    clock.set(end - timedelta(minutes=1))
    books.tend()
    assert not books.standing.is_read_only
    clock.set(end + JUST_AFTER)
    books.tend()
    assert books.standing.is_read_only
    assert books.sandbox.captures == [PRICE]

    clock.move(days=10)
    waiting = api.owner.post(f"{BILLING}/resume").json()
    assert (waiting["status"], waiting["amount_due"]) == ("cancelled", PRICE)
    assert waiting["action"] == "update_and_process_card"
    books.tend()
    assert (books.standing.status, books.standing.is_read_only) == (BillingStatus.ACTIVE, False)
    assert books.standing.covered_until > clock.now() + timedelta(days=27)
    assert books.sandbox.captures == [PRICE, PRICE]
    assert [mail.subject for mail in mailbox.to(world.owner.email)][-5:] == [
        "Your plan is cancelled",
        "Your plan goes on",
        "Your plan is cancelled",
        "Your plan has ended",
        "Your payment of $59.00",
    ]


def test_a_change_of_plan_is_settled_with_the_next_invoice(
    books: Books, api: Api, clock: Clock
) -> None:
    books.paid("group")
    first = books.standing
    clock.set(first.covered_until - timedelta(days=7))
    books.choose("solo")
    assert books.standing.plan is SOLO
    clock.set(first.covered_until + JUST_AFTER)
    books.tend()
    [second, _] = api.owner.get(f"{BILLING}/invoices").json()["items"]
    amounts = [line["amount"] for line in second["lines"]]
    assert amounts[0] == SOLO.price_minor
    assert sum(amounts) == second["total"] == books.sandbox.captures[1]
    assert amounts[1] == -round(GROUP.price_minor * 7 / 31)
    assert amounts[2] == round(SOLO.price_minor * 7 / 31)

    books.choose("complimentary")
    assert (books.standing.status, books.standing.amount_due) == (BillingStatus.ACTIVE, 0)
    clock.move(days=60)
    books.tend()
    assert len(books.sandbox.captures) == 2


def test_a_plan_chosen_while_something_is_due_is_due_at_its_own_price(
    books: Books, api: Api
) -> None:
    books.choose("group")
    books.tend()
    books.choose("solo")
    assert books.standing.amount_due == SOLO.price_minor
    assert books.give_card().json()["status"] == "active"
    assert books.sandbox.captures == [SOLO.price_minor]
    assert books.states == [ChargeState.APPROVED]
    assert len(api.owner.get(f"{BILLING}/invoices").json()["items"]) == 1, (
        "the void one is not shown"
    )
