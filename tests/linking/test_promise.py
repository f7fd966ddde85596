"""The promise of linking, against whatever order people and strangers do things in.

A login acts for a client only when the mailbox on that record was proved by whoever can read it.
The machine knows who can read which mailbox: `owner` of each address. A stranger signs up with
anybody's address, presses everything, and has no mail.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from booking.accounts.actions import proofs
from booking.accounts.models import Account, Proof
from booking.audit.actions import SYSTEM
from booking.clients.actions import change_client
from booking.clients.models import Client, ClientStatus, Link
from booking.database import keyring_of
from booking.errors import Refusal
from booking.invitations.actions import campaigns, links, sending
from booking.linking.actions import records, sign_up
from booking.linking.actions.records import actor_of
from booking.linking.models import SignUp
from booking.tokens import Purpose
from tests import make
from tests.site import Site

ADDRESSES = st.sampled_from([f"p{n}@example.com" for n in range(3)])


class Promise(RuleBasedStateMachine):
    site: Site

    @initialize()
    def begin(self) -> None:
        self.stranger_tokens: list[str] = []
        self.mailed: dict[str, list[tuple[str, str]]] = {}
        self.proved: set[tuple[str, str]] = set()
        with self.site.writing() as session:
            self.before = set(session.scalars(select(Link.client_id)))
            for account in session.scalars(
                select(Account).where(Account.email_key.startswith("p"))
            ):
                session.delete(account)
            for client in session.scalars(select(Client).where(Client.email_key.startswith("p"))):
                session.delete(client)

    @rule(address=ADDRESSES)
    def staff_add_a_client(self, address: str) -> None:
        with self.site.writing() as session:
            make.client(session, first_name="P", email=address)

    @rule(address=ADDRESSES, other=ADDRESSES)
    def staff_move_an_address(self, address: str, other: str) -> None:
        with self.site.writing() as session:
            found = self._client(session, address)
            if found is not None and found.id not in set(session.scalars(select(Link.client_id))):
                change_client(session, found, {"email": other}, by=SYSTEM)

    @rule(address=ADDRESSES)
    def staff_let_a_client_go(self, address: str) -> None:
        with self.site.writing() as session:
            found = self._client(session, address)
            if found is not None:
                change_client(session, found, {"status": "inactive"}, by=SYSTEM)

    @rule()
    def staff_press_the_envelope(self) -> None:
        with self.site.writing() as session:
            campaigns.invite_all(session, by=SYSTEM)
        with self.site.writing() as session:
            for one in sending.claim(session, 100).claimed:
                token = keyring_of(session).derive(Purpose.INVITATION, one.id, one.email.generation)
                self.mailed.setdefault(one.to_email, []).append(("invitation", token))

    @rule(address=ADDRESSES)
    def a_stranger_signs_up(self, address: str) -> None:
        self._sign_up(address, "stranger's hash")

    @rule(address=ADDRESSES)
    def its_owner_signs_up(self, address: str) -> None:
        self._sign_up(address, "owner's hash")

    @rule(address=ADDRESSES, data=st.data())
    def its_owner_opens_a_mail(self, address: str, data: st.DataObject) -> None:
        mails = self.mailed.get(address, [])
        if not mails:
            return
        kind, secret = data.draw(st.sampled_from(mails))
        try:
            with self.site.writing() as session:
                if kind == "invitation":
                    done = links.accept(session, secret, password_hash="owner's hash")
                    assert done.account.email_key == address
                    self.proved |= {(address, str(each.id)) for each in done.linked}
                    return
                proof = proofs.redeem_link(session, Purpose.SIGN_UP, secret)
                if isinstance(proof, Refusal):
                    return
                made = sign_up.confirm(
                    session, proof, browser_token=None, password_hash="owner's hash"
                )
                assert made.account.email_key == address
                self.proved |= {(address, str(each.id)) for each in made.linked}
        except Refusal:
            return

    @rule(address=ADDRESSES, data=st.data())
    def its_owner_chooses(self, address: str, data: st.DataObject) -> None:
        with self.site.writing() as session:
            account = self._account(session, address)
            offered = records.candidates(session, account) if account else []
            if account is None or not offered:
                return
            assert all(client.status is ClientStatus.ACTIVE for client in offered)
            chosen = data.draw(st.sampled_from(offered))
            assert chosen.email_key == address
            records.choose(session, account, chosen.id, by=actor_of(account))
            self.proved.add((address, str(chosen.id)))

    @invariant()
    def only_who_proved_the_mailbox_is_linked(self) -> None:
        with self.site.reading() as session:
            linked = {
                (account.email_key, str(link.client_id))
                for link, account in session.execute(
                    select(Link, Account).join(Account, Account.id == Link.account_id)
                )
                if link.client_id not in self.before
            }
        assert linked <= self.proved

    @invariant()
    def no_stranger_s_password_opens_anything(self) -> None:
        with self.site.reading() as session:
            hashes = list(session.scalars(select(Account.password_hash)))
        assert "stranger's hash" not in hashes

    def _sign_up(self, address: str, password_hash: str) -> None:
        with self.site.writing() as session:
            form = sign_up.SignUpForm(email=address, first_name="P", last_name="Q")
            waiting = sign_up.sign_up(session, form, password_hash=password_hash)
            session.flush()
            proof = session.scalars(select(Proof).where(Proof.subject_id == waiting.id)).one()
            if proof.ended_at is None:
                secret = keyring_of(session).derive(Purpose.SIGN_UP, proof.id)
                self.mailed.setdefault(address, []).append(("sign-up", secret))
            assert session.get(SignUp, waiting.id) is not None

    def _client(self, session: Any, address: str) -> Client | None:
        found: Client | None = session.scalar(
            select(Client).where(Client.email_key == address).limit(1)
        )
        return found

    def _account(self, session: Any, address: str) -> Account | None:
        found: Account | None = session.scalar(select(Account).where(Account.email_key == address))
        return found


@pytest.mark.settings(rate_limits="off")
def test_a_login_acts_only_for_clients_whose_mailbox_was_proved(site: Site) -> None:
    class Here(Promise):
        pass

    Here.site = site
    site.prefer("invitations", invite_resend_min_hours=1, invite_max_per_client=10)
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
