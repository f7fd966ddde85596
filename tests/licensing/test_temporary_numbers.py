"""A business without a registered program gets one temporary number a period, by e-mail."""

import re
from datetime import timedelta

from sqlalchemy import func, select

from booking.billing.rules.standing import BillingStatus
from booking.database import Database, set_business
from booking.licensing import actions as licensing
from booking.licensing import queries
from booking.licensing.models import IssuedNumber
from booking.serial_numbers import Kind, read
from tests.front_door import Api
from tests.licensing.programs import at_once, registered, stand
from tests.mailbox import Mailbox
from tests.site import Site
from tests.times import START, Clock
from workers.jobs import send_temporary_numbers

OWNER = "olivia.owner@example.com"


def mailed(mailbox: Mailbox) -> list[str]:
    """The numbers in the owner's mail, oldest first."""
    texts = (each.text for each in mailbox.to(OWNER) if "temporary serial" in each.subject)
    return [re.findall(r"\b\w{4}(?:-\w{4}){3}\b", text)[0] for text in texts]


def test_each_month_once_until_a_program_is_registered_and_again_after_the_last_is_released(
    api: Api, site: Site, mailbox: Mailbox, clock: Clock
) -> None:
    for _ in "12":
        send_temporary_numbers(site.database)
    [first] = mailed(mailbox)
    assert read(first).kind is Kind.TEMPORARY
    assert f"{read(first).last_day:%B %Y}" in mailbox.latest(OWNER).text
    assert mailbox.latest("oscar.outsider@example.com").subject == "Your temporary serial number"
    clock.move(days=31)
    send_temporary_numbers(site.database)
    assert len(set(mailed(mailbox))) == 2

    granted = registered(api)
    clock.move(days=31)
    send_temporary_numbers(site.database)
    assert len(mailed(mailbox)) == 2
    program = api.bearing(granted["registration_token"])
    assert program.delete(f"/registrations/{granted['id']}").status_code == 204
    send_temporary_numbers(site.database)
    assert len(set(mailed(mailbox))) == 3


def test_none_is_sent_for_what_is_not_paid(site: Site, mailbox: Mailbox) -> None:
    ahead, over = START + timedelta(days=20), START - timedelta(hours=1)
    for status, covered_until, sent in (
        (BillingStatus.PAST_DUE, over, 0),
        (BillingStatus.ACTIVE, over, 0),  # the next month is being paid
        (BillingStatus.CANCELLED, over, 0),
        (BillingStatus.CANCELLED, ahead, 1),
        (BillingStatus.ACTIVE, ahead, 1),
    ):
        stand(site, status, covered_until)
        send_temporary_numbers(site.database)
        assert len(mailed(mailbox)) == sent, (status, covered_until)


def test_whatever_the_clock_and_the_schedulers_do_a_period_has_one_number(
    api: Api, site: Site, clock: Clock, mailbox: Mailbox
) -> None:
    """Ahead past a whole month and back into it, forty days and back again; three schedulers and
    six renewals at once."""
    granted = registered(api, username="oscar.outsider@example.com")
    for days in (0, 75, -50, 10, 40, 40, -40):
        clock.move(days=days)
        at_once(lambda _: send_temporary_numbers(site.database), 3)
        at_once(lambda _: _renew(site.database, site, granted["id"]))
    clock.move(days=40)  # what was written ahead of its time is due now
    assert len(set(mailed(mailbox))) == len(mailed(mailbox)) == 4
    with site.database.engine.connect() as connection:
        table = IssuedNumber.__table__
        same = connection.execute(
            select(table.c.registration_id, table.c.business_id, func.count())
            .group_by(table.c.registration_id, table.c.business_id)
            .order_by(func.count())
        ).all()
    assert [each[2] for each in same] == [4, 4]


def _renew(database: Database, site: Site, registration_id: str) -> None:
    with database.writing() as session:
        set_business(session, site.world.kennels.id)
        [mine] = queries.active(session)
        assert str(mine.registration.id) == registration_id
        licensing.renew(session, mine.registration)
