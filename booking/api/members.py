"""The people who run a business."""

import uuid
from datetime import datetime

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict

from booking.accounts.rules import email_key
from booking.api.caller import ManagerReads, ManagerWrites
from booking.api.idempotent import IdempotentRoute
from booking.api.resource import resource
from booking.businesses import queries
from booking.businesses.actions import members as verbs
from booking.businesses.models import MemberInvitation, Role
from booking.businesses.queries import MemberRow
from booking.errors import NotFound
from booking.fields import EmailText, Line60
from booking.gate import stays_open
from booking.rate_limit import Limit, Limiter

router = resource("/businesses/{slug}/members", tag="members", route_class=IdempotentRoute)


class MemberIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: EmailText
    name: Line60 = ""
    role: Role


class RoleIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    role: Role


class MemberOut(BaseModel):
    """`state` is "active", or "invited" until the invitation is accepted."""

    id: uuid.UUID
    email: str
    name: str
    role: Role
    state: str
    created_at: datetime


class MemberList(BaseModel):
    items: list[MemberOut]
    next_cursor: str | None = None


@router.get("")
def list_members(caller: ManagerReads) -> MemberList:
    joined = [_member(row) for row in queries.members(caller.session)]
    invited = [_invited(each) for each in queries.member_invitations(caller.session)]
    return MemberList(items=[*joined, *invited])


@router.post("", status_code=201)
def invite(caller: ManagerWrites, body: MemberIn, request: Request) -> MemberOut:
    _limit(request, body.email)
    return _invited(
        verbs.invite_member(
            caller.session, email=body.email, name=body.name, role=body.role, by=caller.actor
        )
    )


@router.post("/{member_id}/resend", status_code=202)
def resend(caller: ManagerWrites, member_id: uuid.UUID, request: Request) -> MemberOut:
    invitation = queries.member_invitation(caller.session, member_id)
    _limit(request, invitation.email)
    verbs.resend_member_invitation(caller.session, invitation, by=caller.actor)
    return _invited(invitation)


@router.patch("/{member_id}")
def change_role(caller: ManagerWrites, member_id: uuid.UUID, body: RoleIn) -> MemberOut:
    row = queries.member(caller.session, member_id)
    verbs.change_role(caller.session, row.member, body.role, by=caller.actor)
    return _member(row)


@router.delete("/{member_id}", status_code=204, response_class=Response)
@stays_open
def remove(caller: ManagerWrites, member_id: uuid.UUID) -> None:
    try:
        member = queries.member(caller.session, member_id).member
    except NotFound:
        invitation = queries.member_invitation(caller.session, member_id)
        verbs.withdraw_member_invitation(caller.session, invitation, by=caller.actor)
    else:
        verbs.remove_member(caller.session, member, by=caller.actor)


def _limit(request: Request, email: str) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.MAIL_ADDRESS, email_key(email) or email)


def _member(row: MemberRow) -> MemberOut:
    return MemberOut(
        id=row.member.id,
        email=row.account.email,
        name=row.account.name,
        role=row.member.role,
        state="active",
        created_at=row.member.created_at,
    )


def _invited(invitation: MemberInvitation) -> MemberOut:
    return MemberOut(
        id=invitation.id,
        email=invitation.email,
        name=invitation.name,
        role=invitation.role,
        state="invited",
        created_at=invitation.created_at,
    )
