"""One invitation, accepted by fifty at once, before a real web server."""

from collections import Counter

import pytest
from sqlalchemy import func, select

from booking.accounts.models import Account
from booking.clients.models import Link
from booking.config import Settings
from tests.forked import GROUP
from tests.front_door import Api, problem_of
from tests.live import web_processes
from tests.mailbox import Mailbox
from tests.racing import post_at_once
from tests.site import Site
from tests.world import World

RACERS = 50

pytestmark = [pytest.mark.settings(rate_limits="off"), GROUP]


def test_an_invitation_makes_one_login_and_one_link(
    settings: Settings, api: Api, mailbox: Mailbox, site: Site, world: World
) -> None:
    pressed = api.owner.post("/businesses/{b}/campaigns", json={"client_ids": [str(world.kim.id)]})
    assert pressed.status_code == 202, pressed.text
    token = mailbox.latest(world.kim.email).link("/i/").removeprefix("/i/")
    bodies = [{"password": f"racing otters, number {number}"} for number in range(RACERS)]
    with web_processes(settings) as servers:
        answers = post_at_once(servers, f"/invitations/{token}/accept", bodies)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 410: RACERS - 1}
    for answer in answers:
        if answer.status_code == 410:
            assert problem_of(answer, 410)["code"] == "used"
    with site.reading() as session:
        logins = select(func.count()).select_from(Account).where(Account.email == world.kim.email)
        links = select(func.count()).select_from(Link).where(Link.client_id == world.kim.id)
        assert session.scalars(logins).one() == 1
        assert session.scalars(links).one() == 1
