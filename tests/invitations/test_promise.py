"""The promise of the envelope, against whatever order people do things in, through the front door.

Staff edit, merge, invite, hold back; pet owners open their mail, or stop it, or sign up; workers
send, die and tend; and Jo, who has a login of her own and reads nobody else's mail, tries to get at
the others. After every step the API must say what the ledger says: everybody invited or under one
reason, each invitation in one state, each login with the records it was proved or chosen for.

BOOKING_MODEL_RUNS=200 tries that many runs, other ones each time.
"""

import os
from collections.abc import Callable
from contextlib import closing

import pytest
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import ColumnElement, literal

from booking.invitations import queries
from booking.invitations.actions import links, sending
from tests.apps import Apps
from tests.databases import DatabaseKind, Databases
from tests.front_door import problem_of
from tests.invitations.ledger import Account, Person
from tests.invitations.staff_rules import PRIVATE, Staff
from tests.invitations.stage import Theatre
from tests.returned import tell
from tests.times import Clock
from tests.world import World

RUNS = int(os.environ.get("BOOKING_MODEL_RUNS", "0"))
CHOSEN, TYPED = "six brown foxes under a bed", "a stranger's own password"
MOST_DAYS = 40


class Promise(Staff):
    """Beside staff: pet owners, a curious one, mail servers, workers, and time."""

    days = 0.0

    @invariant()
    def everything_is_as_it_must_be(self) -> None:
        self.stage.compare()

    @precondition(lambda self: self.ledger.links)
    @rule(data=st.data())
    def a_reader_accepts(self, data: st.DataObject) -> None:
        token = self._one(data, list(self.ledger.links))
        row, leads_to = self.ledger.links[token], self.ledger.leads_to(token)
        known = self.ledger.account_at(row.key)
        may_sign_in = known is not None and self.ledger.may_sign_in(known)
        is_signed_in = may_sign_in and data.draw(st.booleans())
        answer = self.stage.accept(token, CHOSEN, known.token if known and is_signed_in else None)
        if leads_to != "open":
            assert problem_of(answer, 410)["code"] == leads_to
            return
        if known is not None and not is_signed_in:
            assert problem_of(answer, 409)["code"] == "account_exists"
            return
        person = row.person
        if person.login is not None and person.login is not known:
            assert problem_of(answer, 410)["code"] == "used"
            return
        assert answer.status_code == 201, answer.text
        assert person.key == row.key, "the mailbox of another address"
        assert [each["id"] for each in answer.json()["clients"]] == [person.id]
        account = known or self._new_account(row.key)
        account.token = answer.json()["token"]
        self.ledger.grant(person, account)
        row.state, row.is_accepted = "accepted", True
        for other in self.ledger.rows:
            is_like_it = other.key == row.key and not other.is_accepted
            if is_like_it and other.state in ("sent", "uncertain"):
                other.state, other.reason = "revoked", "has_account"

    def _new_account(self, key: str | None) -> Account:
        assert key is not None
        made = Account(key, CHOSEN, token="")
        self.ledger.accounts.append(made)
        return made

    @precondition(lambda self: self.ledger.links)
    @rule(data=st.data(), undo=st.booleans())
    def a_reader_stops_the_mails(self, data: st.DataObject, undo: bool) -> None:
        row = self.ledger.links[self._one(data, list(self.ledger.links))]
        path = row.stop + ("/undo" if undo else "")
        visitor = self.stage.pages.visitor().visitor
        assert visitor.request("POST", path).status_code == 200
        assert row.key is not None
        if not undo:
            self.ledger.silence(row.key, "unsubscribed")
        elif self.ledger.suppressed.get(row.key) == "unsubscribed":
            del self.ledger.suppressed[row.key]

    @precondition(lambda self: self.ledger.links)
    @rule(data=st.data())
    def a_reader_of_a_dead_link_asks_for_a_new_one(self, data: st.DataObject) -> None:
        token = self._one(data, list(self.ledger.links))
        row, leads_to = self.ledger.links[token], self.ledger.leads_to(token)
        page = self.stage.pages.visitor().request("POST", f"/i/{token}", data={"action": "renew"})
        assert page.status == 200
        assert page.says("Look into your mailbox")
        if leads_to != "open" and row.state != "revoked" and not self._not_again(row):
            self._again(row)

    @rule(data=st.data(), email=st.sampled_from(PRIVATE), is_reader=st.booleans())
    def somebody_signs_up(self, data: st.DataObject, email: str, is_reader: bool) -> None:
        """A stranger types their own password and gets no further; the reader of the mailbox does,
        in another browser than the one that typed."""
        api, ledger = self.stage.api, self.ledger
        body = {"email": email, "password": TYPED, "first_name": "S", "last_name": "U"}
        waiting = api.visitor.post("/businesses/{b}/accounts", json=body)
        assert waiting.status_code == 202, waiting.text
        confirm = "/businesses/{b}/accounts/confirm"
        guess = {"email": email, "code": "000000", "sign_up_token": waiting.json()["sign_up_token"]}
        assert api.visitor.post(confirm, json=guess).status_code in (410, 422)
        if not is_reader or ledger.account_at(email) is not None:
            return
        # What the envelope sends at the same time is looked at as ever.
        self.stage.worker_sends()
        mail = self.stage.latest(email, "/sign-up/confirm/")
        token = mail.link("/happy-paws/sign-up/confirm/").rpartition("/")[2]
        free = [each for each in ledger.people if each.key == email and each.login is None]
        active = [each for each in free if each.status == "active"]
        answer = api.visitor.post(confirm, json={"token": token, "password": CHOSEN})
        assert answer.status_code == 200, answer.text
        made = self._new_account(email)
        linked = [each["id"] for each in answer.json()["linked"]]
        if not free:
            ledger.people.append(Person(linked[0], email))
            ledger.grant(ledger.people[-1], made)
        elif len(active) == 1:
            ledger.grant(active[0], made)
        assert linked == [each.id for each in ledger.linked(made)]

    @rule(data=st.data())
    def somebody_chooses_a_record(self, data: st.DataObject) -> None:
        """Whoever it is, and whichever record: only one with their own proved address is theirs."""
        account, person = self._one(data, self.ledger.accounts), self._one(data, self.ledger.people)
        if not self.ledger.may_sign_in(account):
            return
        is_offered = person in self.ledger.candidates(account)
        body = {"client_id": person.id}
        answer = self.stage.api.bearing(account.token).post("/businesses/{b}/me/clients", json=body)
        assert answer.status_code == (201 if is_offered else 404), answer.text
        if is_offered:
            self.ledger.grant(person, account)

    @rule(data=st.data(), email=st.sampled_from(PRIVATE), is_reader=st.booleans())
    def somebody_moves_their_login(self, data: st.DataObject, email: str, is_reader: bool) -> None:
        """To an address that is theirs, or to one whose mail they do not get."""
        ledger, account = self.ledger, self._one(data, self.ledger.accounts)
        theirs = [each for each in ledger.linked(account) if each.status == "active"]
        if not theirs or email == account.key or any(each.email == email for each in theirs):
            return
        me = self.stage.api.bearing(account.token)
        sent = {"email": email, "password": account.password}
        asked = me.patch("/businesses/{b}/me", json=sent)
        assert asked.status_code == 200, asked.text
        if not is_reader:
            return
        self.stage.worker_sends()
        token = self.stage.latest(email, "/email/").link("/happy-paws/email/").rpartition("/")[2]
        answer = me.post("/businesses/{b}/me/email-change/confirm", json={"token": token})
        if ledger.account_at(email) is not None:
            assert problem_of(answer, 409)["code"] == "address_taken"
            return
        assert answer.status_code == 200, answer.text
        linked = ledger.linked(account)
        old, account.key, account.token = account.key, email, answer.json()["token"]
        for person in [each for each in linked if each.email == old] or linked:
            person.change(email=email)

    # Mail servers and workers; and time.

    @precondition(lambda self: self.ledger.links)
    @rule(data=st.data(), kind=st.sampled_from(["bounced", "complained", "deferred"]))
    def a_mail_comes_back(self, data: st.DataObject, kind: str) -> None:
        row = self.ledger.links[self._one(data, list(self.ledger.links))]
        event = {"type": kind, "message_id": row.message_id}
        tell(self.stage.api, self.stage.clock, code="5.1.1" if kind == "bounced" else "", **event)
        assert row.key is not None
        if kind == "complained":
            self.ledger.silence(row.key, "complained")
        elif row.token and row.state in ("sending", "sent", "uncertain"):
            row.reason = self.stage.reason_of(row)
            if kind == "bounced":
                self.ledger.bounced(row)

    @rule()
    def the_worker_sends(self) -> None:
        self.stage.worker_sends()

    @rule()
    def the_worker_dies_with_all_in_hand(self) -> None:
        self.stage.worker_dies()

    @rule()
    def the_worker_tends_what_is_held(self) -> None:
        self.stage.worker_tends()

    @rule(hours=st.sampled_from([1, 30, 30, 80, 350]))
    def time_passes(self, hours: int) -> None:
        if self.days + hours / 24 <= MOST_DAYS:
            self.days += hours / 24
            self.stage.clock.move(hours=hours)

    @rule()
    def the_switch_is_at_no_for_a_while(self) -> None:
        self.stage.with_the_switch_at_no()

    @rule()
    def somebody_looks_at_every_link(self) -> None:
        self.stage.look_at_every_link()


@pytest.fixture
def theatre(
    databases: Databases, database_kind: DatabaseKind, apps: Apps, portal: BlockingPortal,
    world: World, clock: Clock,
) -> Theatre:  # fmt: skip
    return Theatre(databases, database_kind, apps, portal, world, clock)


def on(theatre: Theatre) -> type[Promise]:
    class Here(Promise):
        pass

    Here.theatre = theatre
    return Here


def run(theatre: Theatre) -> None:
    run_state_machine_as_test(
        on(theatre),
        settings=settings(
            max_examples=RUNS or 3,
            stateful_step_count=60 if RUNS else 25,
            derandomize=not RUNS,
            phases=(Phase.generate,) if RUNS else tuple(Phase),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_nobody_is_missed_and_nobody_comes_to_another_s_record(theatre: Theatre) -> None:
    run(theatre)


def _no_guard(patch: pytest.MonkeyPatch) -> None:
    """The product as it is."""


def _links_open_whoever_reads_them(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(links, "_check_alive", lambda row, client: None)


def _the_claim_asks_nobody_again(patch: pytest.MonkeyPatch) -> None:
    rule_of_all = queries.eligibility

    def rule_but_for_the_claim(**asked: bool) -> ColumnElement[str]:
        return literal(queries.ELIGIBLE) if asked.get("in_hand") else rule_of_all(**asked)

    patch.setattr(queries, "eligibility", rule_but_for_the_claim)
    patch.setattr(sending, "_next_ones", sending._next_ones.__wrapped__)


def _notices(step: Callable[[], None]) -> bool:
    try:
        step()
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
@pytest.mark.parametrize(
    ("switch_off", "at_sending", "at_looking"),
    [
        (_no_guard, False, False),
        (_links_open_whoever_reads_them, False, True),
        (_the_claim_asks_nobody_again, True, False),
    ],
)
def test_the_model_notices_where_a_guard_of_the_product_is_away(
    theatre: Theatre,
    monkeypatch: pytest.MonkeyPatch,
    switch_off: Callable[[pytest.MonkeyPatch], None],
    at_sending: bool,
    at_looking: bool,
) -> None:
    switch_off(monkeypatch)
    by_hand = on(theatre)()
    with closing(by_hand.stage):
        by_hand.staff_add_a_client(email="ann@example.com")
        by_hand.staff_add_a_client(email="ben@example.com")
        ann, ben = by_hand.ledger.people[-2:]
        by_hand.staff_press_the_envelope()
        by_hand._change(ann, status="inactive")
        assert _notices(by_hand.the_worker_sends) is at_sending
        if not at_sending:
            by_hand._change(ben, email="cat@example.com")
            assert _notices(by_hand.somebody_looks_at_every_link) is at_looking
