"""Records that may be one person: what newcomers raised, and duplicates in the list."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Query

from booking.accounts.queries import account
from booking.api import match_shapes as shapes
from booking.api.caller import Caller, StaffReads, StaffWrites
from booking.api.clients import shown_clients
from booking.api.idempotent import IdempotentRoute
from booking.api.lists import Cursor, Limit, decode_cursor, encode_cursor
from booking.api.match_shapes import (
    DuplicateList,
    DuplicateOut,
    LinkedOut,
    MatchList,
    MatchOut,
    OtherOut,
    ScanOut,
)
from booking.api.resource import resource
from booking.appointments.queries import find as find_visit
from booking.clients.queries import find_many
from booking.errors import Invalid
from booking.matching import actions, queries
from booking.matching.models import Match, MatchState
from booking.matching.queries import After
from booking.merges.actions.linking import link_match, take_back
from booking.merges.models import Merge

router = resource("/businesses/{slug}", tag="matches", route_class=IdempotentRoute)

State = Annotated[Literal["open", "rejected", "household", "linked"], Query()]


@router.get("/matches")
def list_matches(
    caller: StaffReads, state: State = "open", limit: Limit = 50, cursor: Cursor = None
) -> MatchList:
    """Open: what newcomers raised, and visits and logins that wait for their client."""
    after = _after(cursor)
    if state == "open":
        found = queries.open_matches(caller.session, after=after, limit=limit + 1)
    else:
        found = queries.decided(caller.session, MatchState(state), after=after, limit=limit + 1)
    return MatchList(items=_shown(caller, found[:limit]), next_cursor=_next(found, limit))


@router.post("/matches/{match_id}/link")
def link(caller: StaffWrites, match_id: uuid.UUID) -> LinkedOut:
    """They are one person: two records become one, a visit or a login gets its client."""
    match = queries.find(caller.session, match_id)
    kind = _kind(match)
    done = link_match(caller.session, match, by=caller.actor)
    if isinstance(done, Merge):
        return LinkedOut(kind=kind, client_id=done.kept_id, merge_id=done.id)
    return LinkedOut(kind=kind, client_id=done.client_id)


@router.post("/matches/{match_id}/reject")
def reject(caller: StaffWrites, match_id: uuid.UUID) -> MatchOut:
    """Not the same person. It is remembered: these two are not asked about again."""
    return _decide(caller, match_id, MatchState.REJECTED)


@router.post("/matches/{match_id}/household")
def household(caller: StaffWrites, match_id: uuid.UUID) -> MatchOut:
    """Two people of one household."""
    return _decide(caller, match_id, MatchState.HOUSEHOLD)


@router.post("/matches/{match_id}/reopen")
def reopen(caller: StaffWrites, match_id: uuid.UUID) -> MatchOut:
    """Takes an answer back, and asks again. A visit or a login that was linked by it has no client
    again; 409 where it went on to another client since."""
    match = queries.find(caller.session, match_id)
    take_back(caller.session, match, by=caller.actor)
    return _shown(caller, [match])[0]


@router.get("/duplicates")
def list_duplicates(caller: StaffReads, limit: Limit = 50, cursor: Cursor = None) -> DuplicateList:
    """All pairs of clients that nobody has decided about, best first."""
    found = queries.duplicates(caller.session, after=_after(cursor), limit=limit + 1)
    shown = _shown(caller, found[:limit])
    groups = queries.groups(caller.session, {each.client.id for each in shown})
    items = [
        DuplicateOut(**dict(each), group=sorted(groups.get(each.client.id, {each.client.id})))
        for each in shown
    ]
    return DuplicateList(items=items, next_cursor=_next(found, limit))


@router.post("/duplicates/scan", status_code=202)
def start_scan(caller: StaffWrites) -> ScanOut:
    """Look through the whole list; one that is under way goes on."""
    return shapes.scan_out(actions.start_scan(caller.session, by=caller.actor))


@router.get("/duplicates/scan")
def scan_progress(caller: StaffReads) -> ScanOut:
    return shapes.scan_out(queries.last_scan(caller.session))


def _decide(caller: Caller, match_id: uuid.UUID, state: MatchState) -> MatchOut:
    match = queries.find(caller.session, match_id)
    actions.decide(caller.session, match, state, by=caller.actor)
    return _shown(caller, [match])[0]


def _kind(match: Match) -> Literal["client", "visit", "login"]:
    if match.other_id is not None:
        return "client"
    return "visit" if match.appointment_id is not None else "login"


def _shown(caller: Caller, matches: Sequence[Match]) -> list[MatchOut]:
    ids = {one for match in matches for one in (match.client_id, match.other_id) if one}
    known = find_many(caller.session, ids)
    clients = {client.id: client for client in shown_clients(caller, list(known.values()))}
    found = []
    for match in matches:
        other = OtherOut(kind=_kind(match))
        if match.other_id is not None:
            other.client = clients[match.other_id]
        elif match.appointment_id is not None:
            other.visit = shapes.visit_out(find_visit(caller.session, match.appointment_id))
        elif match.account_id is not None:
            other.login = shapes.login_out(account(caller.session, match.account_id))
        found.append(shapes.match_out(match, clients[match.client_id], other))
    return found


def _next(found: Sequence[Match], limit: int) -> str | None:
    if len(found) <= limit:
        return None
    last = found[limit - 1]
    return encode_cursor(repr(last.score), last.id)


def _after(cursor: str | None) -> After | None:
    parts = decode_cursor(cursor, 2)
    if parts is None:
        return None
    try:
        score, match_id = float(str(parts[0])), uuid.UUID(str(parts[1]))
        if not 0 <= score <= 1:
            raise ValueError
    except ValueError:
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.") from None
    return After(score, match_id)
