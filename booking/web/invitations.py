"""The envelope: the question, the count, the sending; and inviting one client."""

import uuid

from fastapi import APIRouter, Request, Response

from booking.clients import queries as clients
from booking.errors import Conflict, NotFound
from booking.invitations import queries
from booking.invitations.actions import campaigns
from booking.linking.actions.entry import ClientAccessOff
from booking.web.page import redirect, render
from booking.web.reasons import reason_words, skipped_lines
from booking.web.visitor import MemberReads, MemberWrites, Visitor

router = APIRouter(include_in_schema=False, tags=["invitations"])


@router.get("/manage/{slug}/clients/invite")
def envelope_page(visitor: MemberReads, request: Request) -> Response:
    """The question first; with Yes, how many and who not; with `client`, about one only."""
    if not _is_on(visitor):
        return _off(visitor, request)
    client_id = request.query_params.get("client", "")
    if client_id:
        return _one(visitor, request, client_id)
    going_on = queries.open_campaign(visitor.session, campaigns.EVERYONE)
    if request.query_params.get("answer") != "yes":
        return render(request, "invitations/ask.html", visitor=visitor, going_on=going_on)
    if going_on is not None:
        return redirect(f"/manage/{visitor.business.slug}/campaigns/{going_on.id}")
    found = queries.preview(visitor.session)
    return render(
        request,
        "invitations/count.html",
        visitor=visitor,
        recipients=found.recipients,
        skipped=skipped_lines(found.skipped, visitor.preferences),
        left_out=sum(found.skipped.values()),
        days=visitor.preferences.invitations.invite_validity_days,
    )


@router.post("/manage/{slug}/clients/invite")
def press(visitor: MemberWrites, request: Request) -> Response:
    try:
        campaign, is_new = campaigns.invite_all(visitor.session, by=visitor.actor)
    except ClientAccessOff:
        return _off(visitor, request)
    said = "" if is_new else "These invitations are on their way already. Nobody is asked twice."
    return redirect(
        f"/manage/{visitor.business.slug}/campaigns/{campaign.id}", flash=said, kind="info"
    )


@router.post("/manage/{slug}/clients/{client_id:uuid}/invite")
def invite_one(visitor: MemberWrites, client_id: uuid.UUID) -> Response:
    page = f"/manage/{visitor.business.slug}/clients/{client_id}"
    verdict = queries.verdict(visitor.session, client_id)
    if verdict != queries.ELIGIBLE:
        words = reason_words(visitor.preferences)[verdict]
        return redirect(page, flash=f"Not invited. {words}.", kind="error")
    try:
        campaigns.invite(visitor.session, [client_id], by=visitor.actor)
    except Conflict as refusal:
        visitor.session.rollback()
        return redirect(page, flash=f"Not invited. {refusal.message}", kind="error")
    return redirect(page, flash="The invitation is on its way.")


def _one(visitor: Visitor, request: Request, client_id: str) -> Response:
    try:
        client = clients.find(visitor.session, uuid.UUID(client_id))
    except ValueError:
        raise NotFound from None
    verdict = queries.verdict(visitor.session, client.id)
    return render(
        request,
        "invitations/one.html",
        visitor=visitor,
        client=client,
        objection=reason_words(visitor.preferences).get(verdict, ""),
        days=visitor.preferences.invitations.invite_validity_days,
    )


def _is_on(visitor: Visitor) -> bool:
    return visitor.preferences.client_settings.allow_client_online_account_access


def _off(visitor: Visitor, request: Request) -> Response:
    return render(request, "invitations/off.html", visitor=visitor, status=409)
