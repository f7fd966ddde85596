"""Questions for the pages that ask who is the same person: raised as the rooms raise them."""

import uuid

from sqlalchemy.orm import Session

from booking.clients import queries as clients
from booking.clients.models import Client
from booking.matching import actions, queries
from booking.matching.models import Match, Origin
from tests import make
from tests.site import Site


def newcomer_like(
    session: Session, known_id: uuid.UUID, *, pet: str = "", **different: str
) -> Client:
    """A client who says what that one says, but for what is `different`."""
    known = clients.find(session, known_id)
    same = ("first_name", "last_name", "email", "mobile_phone")
    made = make.client(session, **{name: getattr(known, name) for name in same} | different)
    if pet:
        make.pet(session, made, name=pet)
    return made


def ask(session: Session, newcomer: Client, *, origin: Origin = Origin.SIGN_UP) -> list[Match]:
    """Whom the newcomer may be, as a sign-up, a booking or an import would have it asked."""
    session.flush()
    pets = clients.pets_of(session, [newcomer.id])[newcomer.id]
    person = queries.person_of(newcomer, pets)
    verdict = queries.look_alikes(session, person, without=newcomer.id)
    assert verdict.ranked, "the rule sees nobody like them"
    return actions.raise_match(session, newcomer, verdict, origin=origin)


def a_question(
    site: Site, known_id: uuid.UUID, *, origin: Origin = Origin.SIGN_UP, **different: str
) -> uuid.UUID:
    """A newcomer like that client, and the question about the two. Returns the newcomer's id."""
    with site.writing() as session:
        newcomer = newcomer_like(session, known_id, **different)
        ask(session, newcomer, origin=origin)
        return newcomer.id
