"""The salon's account with us, as these tests arrange and read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from booking.audit.actions import SYSTEM
from booking.audit.models import AuditEntry
from booking.billing import queries
from booking.billing.actions.plans import choose_plan
from booking.billing.models import Charge, ChargeState, PaymentCard
from booking.billing.queries import Standing
from tests.front_door import Api
from tests.sandbox import GOOD, Sandbox
from tests.site import Site
from workers import jobs


@dataclass
class Books:
    site: Site
    api: Api
    sandbox: Sandbox

    def choose(self, plan: str) -> None:
        with self.site.writing() as session:
            choose_plan(session, plan, by=SYSTEM)

    def give_card(self, number: str = GOOD, *, expires: str = "2031-12", **headers: str) -> Any:
        """The answer of the API to the owner."""
        token = self.sandbox.token(number, expires)
        body = {"payment_token": token, "accept_terms": True}
        return self.api.owner.post("/businesses/{b}/billing/card", json=body, headers=headers)

    def paid(self, plan: str = "standard") -> None:
        """On that plan, with a card, and the first month paid."""
        assert self.give_card().status_code == 200
        self.choose(plan)
        self.tend()
        assert self.standing.amount_due == 0

    def tend(self) -> None:
        """The worker's job, once."""
        jobs.tend_billing(self.site.database)

    @property
    def standing(self) -> Standing:
        with self.site.reading() as session:
            return queries.standing(session)

    @property
    def charges(self) -> Sequence[Charge]:
        with self.site.writing() as session:
            return session.scalars(select(Charge).order_by(Charge.id)).all()

    @property
    def states(self) -> list[ChargeState]:
        return [charge.state for charge in self.charges]

    @property
    def cards(self) -> Sequence[PaymentCard]:
        with self.site.writing() as session:
            return session.scalars(select(PaymentCard).order_by(PaymentCard.id)).all()

    def audited(self, action: str) -> list[AuditEntry]:
        with self.site.writing() as session:
            found = select(AuditEntry).where(
                AuditEntry.business_id == self.site.world.salon.id, AuditEntry.action == action
            )
            return list(session.scalars(found.order_by(AuditEntry.id)))


@pytest.fixture
def books(site: Site, api: Api, sandbox: Sandbox) -> Books:
    return Books(site, api, sandbox)
