"""`booking operator …`, as somebody at a terminal of the service calls it."""

import json
import re

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from booking.businesses.models import Business
from booking.cli import app
from booking.config import Settings
from tests.databases import DatabaseKind
from tests.live import environment_of
from tests.site import Site
from tests.world import World


class Terminal:
    def __init__(self, settings: Settings) -> None:
        self._environment = environment_of(settings)

    def run(self, *arguments: str, typed: str = "") -> Result:
        given = ["operator", *arguments]
        return CliRunner().invoke(app, given, input=typed, env=self._environment)

    def said(self, *arguments: str, typed: str = "") -> str:
        ran = self.run(*arguments, typed=typed)
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    def refused(self, *arguments: str) -> str:
        """The one line on standard error."""
        ran = self.run(*arguments)
        assert ran.exit_code == 1, ran.output
        (line,) = ran.stderr.splitlines()
        return str(line).removeprefix("booking: ")


@pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)
def test_operators_notices_caps_and_plans(settings: Settings, site: Site, world: World) -> None:
    terminal = Terminal(settings)
    added = ("add", "una@example.com", "--name", "Una")
    terminal.said(*added, typed="nine purple herons at noon\n")
    assert [each["email"] for each in json.loads(terminal.said("list", "--json"))] == [
        world.operator.email,
        "una@example.com",
    ]
    terminal.said("remove", "una@example.com")
    only = terminal.refused("remove", world.operator.email)
    assert only == "This is the last operator. Add another one first."

    about = ("post", "--title", "Slow", "--text", "It is slow.", "--component", "online_booking")
    assert "Say when it ends" in terminal.refused(*about, "--kind", "incident")
    end = ("--kind", "incident", "--next-update-at", "2027-03-01T16:00")
    posted = terminal.said(*about, *end)
    assert "in_force   Slow  (Mon 1 Mar 2027, 2:00 pm – 4:00 pm UTC)" in posted
    (notice_id,) = re.findall(r"^[0-9a-f-]{36}", posted)
    terminal.said("update", notice_id, "--text", "Quick again.", "--resolved")
    assert "notice is over" in terminal.refused("update", notice_id, "--text", "More.")
    (listed,) = json.loads(terminal.said("notices", "--json"))
    assert (listed["id"], listed["state"]) == (notice_id, "resolved")

    assert "at most 500 a day" in terminal.said("daily-cap", "happy-paws", "500")
    with site.reading() as session:
        salon = session.scalars(select(Business).where(Business.slug == "happy-paws")).one()
        assert salon.invitations_per_day == 500
    assert "without a cap" in terminal.said("daily-cap", "happy-paws", "none")
    assert "whole number" in terminal.refused("daily-cap", "happy-paws", "many")
    assert "no business" in terminal.refused("daily-cap", "nobody", "5")
    terminal.refused("plan", "happy-paws", "no-such-plan")
    assert "Standard" in terminal.said("plan", "happy-paws", "standard")
