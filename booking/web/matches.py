"""The review queue: is the newcomer somebody we know? One question a card, and each answer can be
taken back."""

import uuid
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from booking.clients import queries as clients
from booking.clients.models import Client
from booking.errors import Conflict
from booking.matching import actions, queries
from booking.matching.models import MatchState
from booking.merges import queries as merges
from booking.merges.actions.linking import in_order, link_match, take_back
from booking.merges.models import Merge
from booking.web.match_cards import cards_of
from booking.web.match_notices import after, places, what_was_done
from booking.web.merge_form import something_to_choose
from booking.web.page import Form, SentForm, local_path, redirect, render
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["matches"])

_PAGE = 6
_ANSWERS = {state.value: state for state in MatchState if state is not MatchState.OPEN}


@router.get("/manage/{slug}/matches")
def matches_page(visitor: MemberReads, request: Request) -> Response:
    """With `show`, what was answered that way."""
    shown = request.query_params.get("show", "")
    state = _ANSWERS.get(shown)
    begin = after(visitor, request)
    if state is None:
        found = queries.open_matches(visitor.session, after=begin, limit=_PAGE + 1)
    else:
        found = queries.decided(visitor.session, state, after=begin, limit=_PAGE + 1)
    asked = {"show": shown} if state else {}
    here = _with(_home(visitor), **asked)
    last = found[_PAGE - 1].id if len(found) > _PAGE else None
    return render(
        request,
        "matches/list.html",
        visitor=visitor,
        cards=cards_of(visitor, found[:_PAGE]),
        state=state.value if state else "",
        here=here,
        done=what_was_done(visitor, request),
        places=places(visitor, state.value if state else "matches"),
        first_url=here if begin else None,
        next_url=_with(_home(visitor), **asked, after=str(last)) if last else None,
    )


@router.post("/manage/{slug}/matches/{match_id:uuid}/link")
def link(visitor: MemberWrites, match_id: uuid.UUID) -> Response:
    """Done at once, unless the two say different things of which one must be chosen."""
    match = queries.find(visitor.session, match_id)
    if match.other_id is not None:
        keep, other = _records(visitor, match.client_id, match.other_id)
        if something_to_choose(merges.preview(visitor.session, keep, [other])):
            return redirect(f"{_manage(visitor)}/merges/new?keep={keep.id}&merge={other.id}")
    try:
        made = link_match(visitor.session, match, by=visitor.actor)
    except Conflict as refusal:
        visitor.session.rollback()
        return redirect(_home(visitor), flash=refusal.message, kind="error")
    said = "merged" if isinstance(made, Merge) else "answered"
    return redirect(_with(_home(visitor), **{said: str(made.id)}))


@router.post("/manage/{slug}/matches/{match_id:uuid}/reject")
def reject(visitor: MemberWrites, form: Form, match_id: uuid.UUID) -> Response:
    return _decide(visitor, form, match_id, MatchState.REJECTED)


@router.post("/manage/{slug}/matches/{match_id:uuid}/household")
def household(visitor: MemberWrites, form: Form, match_id: uuid.UUID) -> Response:
    return _decide(visitor, form, match_id, MatchState.HOUSEHOLD)


@router.post("/manage/{slug}/matches/{match_id:uuid}/reopen")
def reopen(visitor: MemberWrites, form: Form, match_id: uuid.UUID) -> Response:
    match = queries.find(visitor.session, match_id)
    try:
        take_back(visitor.session, match, by=visitor.actor)
    except Conflict as refusal:
        visitor.session.rollback()
        return redirect(_back(visitor, form), flash=refusal.message, kind="error")
    return redirect(_back(visitor, form), flash="Taken back. The question is open again.")


def _decide(visitor: Visitor, form: SentForm, match_id: uuid.UUID, state: MatchState) -> Response:
    match = queries.find(visitor.session, match_id)
    back = _back(visitor, form)
    try:
        actions.decide(visitor.session, match, state, by=visitor.actor)
    except Conflict as refusal:
        visitor.session.rollback()
        return redirect(back, flash=refusal.message, kind="error")
    return redirect(f"{back}{'&' if '?' in back else '?'}answered={match.id}")


def _records(visitor: Visitor, one: uuid.UUID, other: uuid.UUID) -> tuple[Client, Client]:
    """The one to keep, and the one that goes into it."""
    return in_order(clients.find(visitor.session, one), clients.find(visitor.session, other))


def _back(visitor: Visitor, form: SentForm) -> str:
    """To the page the answer was given on."""
    return local_path(form.text("next"), _home(visitor))


def _with(path: str, **asked: str) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


def _home(visitor: Visitor) -> str:
    return f"{_manage(visitor)}/matches"


def _manage(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}"
