"""Did you find this helpful? One answer a visitor, and a comment with it."""

from sqlalchemy import select

from booking.database import Database
from booking.help import queries
from booking.help.models import HelpAnswer
from tests.pages import Pages

ARTICLE = "/help/import-a-list"


def answers(database: Database) -> list[tuple[bool, str]]:
    with database.reading() as session:
        rows = session.execute(select(HelpAnswer.was_helpful, HelpAnswer.comment))
        return sorted((helped, comment) for helped, comment in rows)


def test_a_visitor_counts_once_and_may_change_their_mind(pages: Pages, database: Database) -> None:
    reader = pages.visitor()
    page = reader.get(ARTICLE).submit("Yes", button="yes")
    assert page.says("Thank you, we are glad.")
    reader.get(ARTICLE).submit("did not help", button="no")
    page = reader.get(ARTICLE).submit("comment", comment="Where is the button?")
    assert "Where is the button?" in page.html
    pages.visitor().get(ARTICLE).submit("Yes", button="yes")
    assert answers(database) == [(False, "Where is the button?"), (True, "")]
    with database.reading() as session:
        [tally] = queries.tallies(session)
    assert (tally.helped, tally.failed, tally.comments) == (1, 1, ("Where is the button?",))


def test_what_can_not_be_kept_is_said_beside_the_field(pages: Pages, database: Database) -> None:
    page = pages.visitor().get(ARTICLE).submit("Yes", button="yes")
    page = page.submit("comment", comment="my card 4242 4242 4242 4242")
    assert page.status == 422
    assert page.says("payment card")
    assert page.submit("comment", comment="x" * 1001).status == 422
    assert answers(database) == [(True, "")]


def test_what_nobody_asked_is_not_counted(pages: Pages, database: Database) -> None:
    visitor = pages.visitor()
    assert visitor.get("/help/nothing").status == 404
    assert visitor.request("POST", "/help/nothing", data={"helpful": "yes"}).status == 404
    assert visitor.request("POST", ARTICLE, data={"comment": "no answer yet"}).status == 404
    assert answers(database) == []


def test_nobody_answers_for_a_thousand(pages: Pages) -> None:
    tries = [pages.visitor().request("POST", ARTICLE, data={"helpful": "no"}) for _ in range(21)]
    assert tries[-1].status == 429
