"""The people who run a business: seen, invited, changed; and joining by an invitation."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter, ValidationError

from booking.accounts.passwords import Hashing, check_new
from booking.accounts.rules import email_key, staff_minimum
from booking.businesses import queries
from booking.businesses.actions import members as verbs
from booking.businesses.actions.members import OpenMemberInvitation
from booking.businesses.models import Role
from booking.dependencies import Reading, client_ip, database_of
from booking.errors import Conflict, FieldError, Invalid, NotFound, Refusal
from booking.fields import Line60
from booking.gate import stays_open
from booking.rate_limit import Limit, Limiter
from booking.web.manage_sign_in import let_in, remember, show_again
from booking.web.page import Form, SentForm, redirect, render
from booking.web.visitor import ManagerReads, ManagerWrites, Visitor, staff_account

router = APIRouter(include_in_schema=False, tags=["members"])

_NAME: TypeAdapter[str] = TypeAdapter(Line60)


@router.get("/manage/{slug}/members")
def members_page(visitor: ManagerReads, request: Request) -> Response:
    return render(request, "members/list.html", visitor=visitor, **_shown(visitor))


@router.post("/manage/{slug}/members")
def invite(visitor: ManagerWrites, request: Request, form: Form) -> Response:
    limiter: Limiter = request.app.state.limiter
    email, name = form.text("email"), form.text("name")
    typed = {"email": email, "name": name, "role": form.text("role")}
    try:
        role, name = _role(form), _checked_name(name)
        limiter.hit(Limit.MAIL_ADDRESS, email_key(email) or email)
        verbs.invite_member(visitor.session, email=email, name=name, role=role, by=visitor.actor)
    except Refusal as refusal:
        visitor.session.rollback()
        return _again(visitor, request, refusal, typed)
    return redirect(_list(visitor), flash="The invitation is on its way.")


@router.post("/manage/{slug}/members/{member_id}/resend")
def resend(visitor: ManagerWrites, request: Request, member_id: uuid.UUID) -> Response:
    limiter: Limiter = request.app.state.limiter
    invitation = queries.member_invitation(visitor.session, member_id)
    limiter.hit(Limit.MAIL_ADDRESS, invitation.email_key)
    verbs.resend_member_invitation(visitor.session, invitation, by=visitor.actor)
    return redirect(_list(visitor), flash="Sent again. The link in the earlier e-mail has ended.")


@router.post("/manage/{slug}/members/{member_id}/withdraw")
@stays_open
def withdraw(visitor: ManagerWrites, member_id: uuid.UUID) -> Response:
    invitation = queries.member_invitation(visitor.session, member_id)
    verbs.withdraw_member_invitation(visitor.session, invitation, by=visitor.actor)
    return redirect(_list(visitor), flash="The invitation is withdrawn.")


@router.post("/manage/{slug}/members/{member_id}/role")
def change_role(
    visitor: ManagerWrites, request: Request, form: Form, member_id: uuid.UUID
) -> Response:
    try:
        member = queries.member(visitor.session, member_id).member
        verbs.change_role(visitor.session, member, _role(form), by=visitor.actor)
    except NotFound:
        raise
    except Refusal as refusal:
        visitor.session.rollback()
        return _again(visitor, request, refusal, {})
    return redirect(_list(visitor), flash="The role is changed.")


@router.post("/manage/{slug}/members/{member_id}/remove")
@stays_open
def remove(visitor: ManagerWrites, request: Request, member_id: uuid.UUID) -> Response:
    try:
        member = queries.member(visitor.session, member_id).member
        verbs.remove_member(visitor.session, member, by=visitor.actor)
    except NotFound:
        raise
    except Refusal as refusal:
        visitor.session.rollback()
        return _again(visitor, request, refusal, {})
    if member.account_id == visitor.signed_in.id:
        return redirect("/manage", flash="You have left the business.")
    return redirect(_list(visitor), flash="They can no longer manage this business.")


@router.get("/manage/join/{secret}")
def join_page(session: Reading, request: Request, secret: str) -> Response:
    """Shows a form and changes nothing: mail scanners open links."""
    opened = verbs.look_at_member_invitation(session, secret)
    return render(
        request,
        "members/join.html",
        **_invited(opened, staff_account(session, request)),
        path=request.url.path,
    )


@router.post("/manage/join/{secret}")
async def join(request: Request, form: Form, secret: str) -> Response:
    hashing: Hashing = request.app.state.hashing
    hashing.expect_room()
    shown = await run_in_threadpool(_look, request, secret)
    try:
        password_hash = None
        if not shown["has_login"]:
            context = (shown["email"], shown["name"], shown["business_name"])
            minimum = staff_minimum(second_factor=False)
            check_new(form.raw("password"), minimum=minimum, context=context)
            password_hash = await hashing.hash(form.raw("password"))
        slug, token = await run_in_threadpool(_accept, request, secret, password_hash)
    except (Invalid, Conflict) as refusal:
        return show_again(request, "members/join.html", refusal, **shown)
    done = redirect(f"/manage/{slug}", flash=f"Welcome to {shown['business_name']}.")
    return remember(done, request, token) if token else done


def _look(request: Request, secret: str) -> dict[str, Any]:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    with database_of(request).reading() as session:
        opened = verbs.look_at_member_invitation(session, secret)
        shown = _invited(opened, staff_account(session, request))
    return shown | {"path": request.url.path}


def _accept(request: Request, secret: str, password_hash: str | None) -> tuple[str, str | None]:
    """The business's slug, and the token of a new session for somebody who was not signed in."""
    token = None
    with database_of(request).writing() as session:
        here = staff_account(session, request)
        opened = verbs.look_at_member_invitation(session, secret)
        account = here[0] if here and opened.account is not None else None
        joined = verbs.accept_member_invitation(
            session, secret, account=account, password_hash=password_hash
        )
        if not isinstance(joined, Refusal) and account is None:
            token = let_in(session, request, joined)
        slug = opened.business.slug
    if isinstance(joined, Refusal):
        raise joined
    return slug, token


def _invited(opened: OpenMemberInvitation, here: tuple[Any, uuid.UUID] | None) -> dict[str, Any]:
    signed_in_as = here[0].email if here else ""
    return {
        "business_name": opened.business.name,
        "email": opened.invitation.email,
        "name": opened.invitation.name,
        "role": opened.invitation.role.value,
        "has_login": opened.account is not None,
        "signed_in_as": signed_in_as,
        "is_me": here is not None and here[0].email_key == opened.invitation.email_key,
        "minimum": staff_minimum(second_factor=False),
    }


def _again(visitor: Visitor, request: Request, refusal: Refusal, typed: dict[str, str]) -> Response:
    context = _shown(visitor) | {"typed": typed}
    return show_again(request, "members/list.html", refusal, visitor=visitor, **context)


def _shown(visitor: Visitor) -> dict[str, Any]:
    member = visitor.member
    is_owner = member is not None and member.role is Role.OWNER
    return {
        "members": queries.members(visitor.session),
        "invitations": queries.member_invitations(visitor.session),
        "roles": [
            (role.value, role.value.capitalize())
            for role in Role
            if is_owner or role is not Role.OWNER
        ],
        "is_owner": is_owner,
        "typed": {},
    }


def _role(form: SentForm) -> Role:
    try:
        return Role(form.text("role"))
    except ValueError:
        raise Invalid.field("role", "Choose a role.") from None


def _checked_name(name: str) -> str:
    try:
        return _NAME.validate_python(name)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise Invalid(fields=(FieldError("name", "invalid", message),)) from None


def _list(visitor: Visitor) -> str:
    return f"/manage/{visitor.business.slug}/members"
