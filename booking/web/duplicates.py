"""Duplicates: pairs of the list that may be one person, and the look through the whole of it."""

import uuid
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from booking.clients import queries as clients
from booking.clients.models import Client
from booking.matching import actions, queries
from booking.matching.models import Match
from booking.web.match_cards import cards_of
from booking.web.match_notices import after, places, what_was_done
from booking.web.page import redirect, render
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["matches"])

_PAGE = 10
# More would not fit beside each other; pair by pair it goes as well.
_LARGEST_GROUP = 5


@router.get("/manage/{slug}/duplicates")
def duplicates_page(visitor: MemberReads, request: Request) -> Response:
    """With `X-Partial` only how the look through the list goes."""
    scan = queries.last_scan(visitor.session)
    if request.headers.get("x-partial") == "1":
        return render(request, "duplicates/scan.html", visitor=visitor, scan=scan, part=True)
    return render(
        request,
        "duplicates/list.html",
        visitor=visitor,
        scan=scan,
        part=False,
        done=what_was_done(visitor, request),
        places=places(visitor, "duplicates"),
        **_shown(visitor, request),
    )


@router.post("/manage/{slug}/duplicates/scan")
def look_through(visitor: MemberWrites) -> Response:
    actions.start_scan(visitor.session, by=visitor.actor)
    return redirect(_home(visitor))


def _shown(visitor: Visitor, request: Request) -> dict[str, Any]:
    home, begin = _home(visitor), after(visitor, request)
    found = queries.duplicates(visitor.session, after=begin, limit=_PAGE + 1)
    shown = found[:_PAGE]
    return {
        "cards": cards_of(visitor, shown),
        "groups": _groups(visitor, shown),
        "here": f"{home}?{request.url.query}" if begin else home,
        "first_url": home if begin else None,
        "next_url": f"{home}?after={shown[-1].id}" if len(found) > _PAGE else None,
    }


def _groups(visitor: Visitor, shown: Sequence[Match]) -> dict[uuid.UUID, list[Client]]:
    """Three records and more that may be one person, the oldest first, by the first match shown
    that is one of theirs."""
    found: dict[uuid.UUID, list[uuid.UUID]] = {}
    seen: set[uuid.UUID] = set()
    for match in shown:
        if match.client_id not in seen:
            group = sorted([match.client_id, *queries.group_of(visitor.session, match.client_id)])
            seen.update(group)
            if 2 < len(group) <= _LARGEST_GROUP:
                found[match.id] = group
    known = clients.find_many(visitor.session, {one for group in found.values() for one in group})
    return {match_id: [known[one] for one in group] for match_id, group in found.items()}


def _home(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/duplicates"
