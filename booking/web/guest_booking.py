"""A guest's visit, for whoever holds the link of its e-mail."""

from fastapi import APIRouter, Request, Response

from booking import clock
from booking.appointments.queries import of_manage_token
from booking.dependencies import client_ip
from booking.gate import stays_open
from booking.rate_limit import Limit, Limiter
from booking.web.page import Form
from booking.web.visitor import SiteReads, SiteWrites, Visitor
from booking.web.visits import Visit, do_cancel, do_move, show, show_cancel, show_move

router = APIRouter(include_in_schema=False, tags=["appointments"])


def _visit(request: Request, visitor: Visitor, token: str) -> Visit:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
    appointment = of_manage_token(visitor.session, token, now=clock.now())
    return Visit(visitor, appointment, f"/{visitor.business.slug}/booking/{token}")


@router.get("/{slug}/booking/{token}")
def visit_page(visitor: SiteReads, request: Request, token: str) -> Response:
    is_new = request.query_params.get("new") == "yes"
    return show(request, _visit(request, visitor, token), is_new=is_new)


@router.get("/{slug}/booking/{token}/cancel")
def cancel_page(visitor: SiteReads, request: Request, token: str) -> Response:
    return show_cancel(request, _visit(request, visitor, token))


@router.post("/{slug}/booking/{token}/cancel")
@stays_open
def cancel_visit(visitor: SiteWrites, request: Request, form: Form, token: str) -> Response:
    return do_cancel(request, _visit(request, visitor, token), form)


@router.get("/{slug}/booking/{token}/move")
def move_page(visitor: SiteReads, request: Request, token: str) -> Response:
    return show_move(request, _visit(request, visitor, token))


@router.post("/{slug}/booking/{token}/move")
def move_visit(visitor: SiteWrites, request: Request, form: Form, token: str) -> Response:
    return do_move(request, _visit(request, visitor, token), form)
