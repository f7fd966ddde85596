"""What is answered about somebody who may be on the list already."""

import uuid

from pydantic import BaseModel

from booking.clients.models import Client
from booking.matching.rules.verdicts import Comparison, Decision


class Reasons(BaseModel):
    """Sentences for people."""

    agrees: list[str]
    differs: list[str]


class LookAlike(BaseModel):
    """`score` is how likely this is the same person, 0 to 1."""

    client_id: uuid.UUID
    name: str
    email: str
    score: float
    reasons: Reasons


class PossibleMatch(LookAlike):
    """A question that is open now; `id` is the match's."""

    id: uuid.UUID


class LookAlikes(BaseModel):
    """Candidates stand best first; with the decision `link` the first one is meant."""

    decision: Decision
    candidates: list[LookAlike]


def look_alike(client: Client, seen: Comparison) -> LookAlike:
    return LookAlike(
        client_id=client.id,
        name=client.name,
        email=client.email,
        score=seen.score,
        reasons=Reasons(agrees=list(seen.agrees), differs=list(seen.differs)),
    )
