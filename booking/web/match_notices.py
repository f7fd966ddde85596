"""What stands around the pages that ask who is the same person: the ways to look at them, and the
notice after an answer with its way back."""

import uuid
from dataclasses import dataclass

from fastapi import Request

from booking.clients import queries as clients
from booking.errors import NotFound
from booking.matching import queries
from booking.matching.models import Match, MatchState
from booking.matching.queries import After
from booking.merges import queries as merges
from booking.merges.models import Merge
from booking.web.page import say_count, say_day
from booking.web.visitor import Visitor

Place = tuple[str, str, bool, str | None]

_SAID = {
    MatchState.REJECTED: "Noted: not the same person. We won’t ask again.",
    MatchState.HOUSEHOLD: "Noted: two people of one household. We won’t ask again.",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, and where it is taken back; `href` leads to where it can be seen."""

    text: str
    action: str
    href: str = ""
    more: str = ""


def places(visitor: Visitor, here: str) -> list[Place]:
    """(words, address, is this page, how many) for the tabs."""
    home = f"/manage/{visitor.business.slug}"
    counts = queries.counts(visitor.session)
    return [
        ("To decide", f"{home}/matches", here == "matches", say_count(counts.matches)),
        ("Duplicates", f"{home}/duplicates", here == "duplicates", say_count(counts.duplicates)),
        ("Not the same", f"{home}/matches?show=rejected", here == "rejected", None),
        ("Households", f"{home}/matches?show=household", here == "household", None),
        ("Linked", f"{home}/matches?show=linked", here == "linked", None),
        ("Merged", f"{home}/merges", here == "merges", None),
    ]


def after(visitor: Visitor, request: Request) -> After | None:
    """Where the page goes on; if the match it named is gone, it begins anew."""
    try:
        match = queries.find(visitor.session, uuid.UUID(request.query_params.get("after", "")))
    except (ValueError, NotFound):
        return None
    return After(match.score, match.id)


def what_was_done(visitor: Visitor, request: Request) -> Done | None:
    """The notice that the address asks for, as long as it can still be taken back."""
    try:
        if answered := request.query_params.get("answered"):
            return _answer(visitor, queries.find(visitor.session, uuid.UUID(answered)))
        if merged := request.query_params.get("merged"):
            return merge_done(visitor, merges.find(visitor.session, uuid.UUID(merged)))
    except (ValueError, NotFound):
        return None
    return None


def _answer(visitor: Visitor, match: Match) -> Done | None:
    home = f"/manage/{visitor.business.slug}"
    action = f"{home}/matches/{match.id}/reopen"
    if match.state is not MatchState.LINKED:
        said = _SAID.get(match.state)
        return Done(said, action) if said else None
    name = clients.find(visitor.session, match.client_id).name
    if match.appointment_id is not None:
        text, href = f"The visit is linked to {name} now.", f"appointments/{match.appointment_id}"
        return Done(text, action, f"{home}/{href}", "Open the visit")
    text, href = f"The login is linked to {name} now.", f"clients/{match.client_id}"
    return Done(text, action, f"{home}/{href}", "Open the record")


def merge_done(visitor: Visitor, merge: Merge) -> Done | None:
    """None once it can't be undone any more."""
    if not merges.may_undo(merge):
        return None
    home = f"/manage/{visitor.business.slug}"
    merged = merges.merged_of(visitor.session, [merge.id])[merge.id]
    until = say_day(merges.undo_until(merge), visitor.business.timezone)
    return Done(
        f"{len(merged) + 1} records became one: {merge.kept_name}. It can be undone until {until}.",
        f"{home}/merges/{merge.id}/undo",
        f"{home}/clients/{merge.kept_id}",
        "Open the record",
    )
