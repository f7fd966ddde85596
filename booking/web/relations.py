"""A client among the others: who may be the same person, who lives with them, what went into their
record."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from booking.clients import queries as clients
from booking.clients.models import Client
from booking.clients.rules import ClientDetails
from booking.matching import actions, queries
from booking.matching.models import Match, MatchState, Origin
from booking.matching.rules.people import Person
from booking.matching.rules.verdicts import Verdict
from booking.merges import queries as merges
from booking.web import beside
from booking.web.beside import Record
from booking.web.match_cards import Known
from booking.web.visitor import Visitor

_TYPED = tuple(name for name in Person.__dataclass_fields__ if name != "pets")


@dataclass(frozen=True, slots=True)
class Housemate:
    """`match` is the answer that joins the two; None where others stand between them."""

    client: Client
    match: Match | None


@dataclass(frozen=True, slots=True)
class LookAlike:
    """`words` say how likely it is, `state` is the badge's."""

    record: Record
    state: str
    words: str
    agrees: tuple[str, ...]
    differs: tuple[str, ...]


def of_client(visitor: Visitor, client: Client, others: Iterable[Client]) -> dict[str, Any]:
    """What a client's page shows of the others; of `others`, who share something with the client,
    those about whom nothing was answered."""
    asked = queries.of_client(visitor.session, client.id, MatchState.OPEN)
    pairs = {other_of(match, client.id): match for match in asked if match.other_id}
    known = clients.find_many(visitor.session, pairs.keys())
    answered = {
        other_of(match, client.id)
        for state in (MatchState.REJECTED, MatchState.HOUSEHOLD)
        for match in queries.of_client(visitor.session, client.id, state)
        if match.other_id
    }
    return {
        "others": [other for other in others if other.id not in answered],
        "maybe": [(known[other], beside.say_likelihood(pairs[other].score)[1]) for other in pairs],
        "waits": any(match.other_id is None for match in asked),
        "housemates": _housemates(visitor, client),
        "merges": [
            (row, merges.undo_until(row))
            for row in merges.of_client(visitor.session, client.id)
            if merges.may_undo(row)
        ],
    }


def _housemates(visitor: Visitor, client: Client) -> list[Housemate]:
    ids = queries.household_of(visitor.session, client.id)
    if not ids:
        return []
    answers = queries.of_client(visitor.session, client.id, MatchState.HOUSEHOLD)
    joined = {other_of(match, client.id): match for match in answers}
    known = clients.find_many(visitor.session, ids)
    return [Housemate(known[one], joined.get(one)) for one in ids]


def other_of(match: Match, client_id: uuid.UUID) -> uuid.UUID:
    """The other client of a pair."""
    assert match.other_id is not None
    return match.client_id if match.other_id == client_id else match.other_id


def look_alikes(visitor: Visitor, details: ClientDetails) -> Verdict:
    """Whom of the list the new client may be."""
    person = Person(**{name: getattr(details, name) for name in _TYPED})
    return queries.look_alikes(visitor.session, person)


def as_cards(visitor: Visitor, verdict: Verdict) -> list[LookAlike]:
    ranked = {uuid.UUID(str(each.client_id)): each.comparison for each in verdict.ranked}
    known = Known.of(visitor, set(ranked))
    return [
        LookAlike(
            known.record(visitor, client_id),
            *beside.say_likelihood(seen.score),
            seen.agrees,
            seen.differs,
        )
        for client_id, seen in ranked.items()
    ]


def not_the_same(visitor: Visitor, client: Client, verdict: Verdict) -> None:
    """Staff saw the look-alikes and added somebody new all the same: that is an answer."""
    visitor.session.flush()
    for match in actions.raise_match(visitor.session, client, verdict, origin=Origin.STAFF):
        actions.decide(visitor.session, match, MatchState.REJECTED, by=visitor.actor)
