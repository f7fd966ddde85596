"""The questions of the review queue as cards: both records beside each other, and what may be
answered."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from booking.accounts import queries as accounts
from booking.appointments import queries as appointments
from booking.clients import queries as clients
from booking.clients.models import Client, Link, Pet
from booking.matching.models import Match, MatchState, Origin
from booking.web import beside
from booking.web.beside import Beside, Record
from booking.web.page import say_day
from booking.web.visitor import Visitor

_NEWCOMER, _KNOWN = "Newcomer", "Known client"
_ANSWERS = {
    MatchState.REJECTED: ("declined", "Not the same person"),
    MatchState.HOUSEHOLD: ("sent", "Same household"),
    MatchState.LINKED: ("confirmed", "Linked"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """`roles` stand over the two names; `state` and `words` are the badge's. `older` and `newer`
    are the clients of a pair."""

    match: Match
    pair: Beside
    roles: tuple[str, str]
    state: str
    words: str
    link_label: str
    older: uuid.UUID | None
    newer: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Known:
    """The clients that a page of matches is about."""

    clients: dict[uuid.UUID, Client]
    pets: dict[uuid.UUID, list[Pet]]
    links: dict[uuid.UUID, Link]

    @classmethod
    def of(cls, visitor: Visitor, client_ids: set[uuid.UUID]) -> "Known":
        return cls(
            clients.find_many(visitor.session, client_ids),
            clients.pets_of(visitor.session, client_ids),
            clients.links_of(visitor.session, client_ids),
        )

    def record(self, visitor: Visitor, client_id: uuid.UUID, came: str = "") -> Record:
        client = self.clients[client_id]
        since = f"On the list since {say_day(client.created_at, visitor.business.timezone)}"
        return beside.of_client(
            client,
            self.pets[client_id],
            self.links.get(client_id),
            home=f"/manage/{visitor.business.slug}",
            told=(came or since,),
        )


def cards_of(visitor: Visitor, matches: Sequence[Match]) -> list[Card]:
    ids = {match.client_id for match in matches}
    known = Known.of(visitor, ids | {match.other_id for match in matches if match.other_id})
    return [_card(visitor, match, known) for match in matches]


def _card(visitor: Visitor, match: Match, known: Known) -> Card:
    state, words = _ANSWERS.get(match.state) or beside.say_likelihood(match.score)
    pair, roles, label = _pair(visitor, match, known)
    newer, older = in_order(match) if match.other_id else (None, None)
    return Card(match, pair, roles, state, words, label, older, newer)


def _pair(visitor: Visitor, match: Match, known: Known) -> tuple[Beside, tuple[str, str], str]:
    """The two beside each other, what they are to each other, and what linking them is called."""
    zone, home = visitor.business.timezone, f"/manage/{visitor.business.slug}"
    if match.appointment_id is not None:
        visit = appointments.find(visitor.session, match.appointment_id)
        one = beside.of_visit(visit, home=home, zone=zone)
        roles = ("A guest’s visit", _KNOWN)
        return _with_known(visitor, match, one, known), roles, "Link: it is their visit"
    if match.account_id is not None:
        one = beside.of_login(accounts.account(visitor.session, match.account_id), zone=zone)
        linked = match.state is MatchState.LINKED
        roles = ("A login" if linked else "A login without a record", _KNOWN)
        return _with_known(visitor, match, one, known), roles, "Link: it is their login"
    newer, older = in_order(match)
    came = beside.say_origin(match, zone)
    one, other = known.record(visitor, newer, came), known.record(visitor, older)
    pair = beside.beside(one, other, match.agrees)
    newcomer = match.origin is not Origin.LIST and match.newcomer_id is not None
    roles = (_NEWCOMER, _KNOWN) if newcomer else ("Newer record", "Older record")
    return pair, roles, "Link: same person"


def _with_known(visitor: Visitor, match: Match, one: Record, known: Known) -> Beside:
    return beside.beside(one, known.record(visitor, match.client_id), match.agrees)


def in_order(match: Match) -> tuple[uuid.UUID, uuid.UUID]:
    """Of two clients the newcomer, or the one that came later, and then the other."""
    assert match.other_id is not None
    newer = match.newcomer_id or max(match.client_id, match.other_id)
    return newer, match.client_id if newer == match.other_id else match.other_id
