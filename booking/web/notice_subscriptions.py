"""Wanting to be told of service notices: asked for, confirmed, and stopped by one press."""

from fastapi import APIRouter, Request, Response

from booking.accounts.rules import masked as masked_email
from booking.dependencies import Reading, Writing, client_ip, database_of, settings_of
from booking.errors import FieldError, Refusal
from booking.notices import queries
from booking.notices.actions import subscribing
from booking.notices.models import Channel, Subscription
from booking.rate_limit import Limit, Limiter
from booking.texts.rules import masked
from booking.web.page import Form, SentForm, render, status_and_title

_NEITHER = (
    "Type an address like name@example.com, or a number with its country, like +1 617 555 0123"
)

router = APIRouter(include_in_schema=False)


@router.get("/status/subscribe")
def ask_page(session: Reading, request: Request) -> Response:
    return _form(session, request)


@router.post("/status/subscribe")
def ask(request: Request, form: Form) -> Response:
    """The same page for any address."""
    address = form.text("address")
    channel = Channel.EMAIL if "@" in address else Channel.TEXT
    try:
        limiter: Limiter = request.app.state.limiter
        subscribing.limit_asking(limiter, channel, address, client_ip(request))
        with database_of(request).writing() as session:
            subscribing.ask(session, channel, address, form.all("components"))
    except Refusal as refusal:
        with database_of(request).reading() as session:
            return _form(session, request, form=form, refusal=refusal)
    by_text = channel is Channel.TEXT
    return render(
        request,
        "notices/asked.html",
        by_text=by_text,
        address=address,
        hours=subscribing.CONFIRM_HOURS,
    )


@router.get("/status/confirm/{secret}")
def confirm_page(session: Reading, request: Request, secret: str) -> Response:
    """A button, and nothing changes: mail scanners open links."""
    _limit_tokens(request)
    row = subscribing.behind_link(session, secret)
    return render(
        request,
        "notices/confirm.html",
        components=queries.components_of(session, row),
        by_text=row.channel is Channel.TEXT,
    )


@router.post("/status/confirm/{secret}")
def confirm(session: Writing, request: Request, secret: str) -> Response:
    _limit_tokens(request)
    row = subscribing.confirm(session, secret)
    return render(
        request,
        "notices/confirmed.html",
        components=queries.components_of(session, row),
        by_text=row.channel is Channel.TEXT,
    )


@router.get("/u/n/{secret}")
def stop_page(session: Reading, request: Request, secret: str) -> Response:
    """A button, and nothing changes."""
    _limit_tokens(request)
    row = subscribing.stoppable(session, secret)
    return render(request, "notices/stop.html", address=_hint(row))


@router.post("/u/n/{secret}")
def stop(session: Writing, request: Request, secret: str) -> Response:
    """At once, without a cookie or a question, whatever the body says: mail providers press it."""
    _limit_tokens(request)
    row = subscribing.stop(session, secret)
    return render(request, "notices/stopped.html", address=_hint(row), undo=f"/u/n/{secret}/undo")


@router.post("/u/n/{secret}/undo")
def take_back_stop(session: Writing, request: Request, secret: str) -> Response:
    """Pressed by mistake: the same secret takes it back."""
    _limit_tokens(request)
    row = subscribing.take_back_stop(session, secret)
    return render(
        request,
        "notices/confirmed.html",
        components=queries.components_of(session, row),
        by_text=row.channel is Channel.TEXT,
    )


def _form(
    session: Reading,
    request: Request,
    *,
    form: SentForm | None = None,
    refusal: Refusal | None = None,
) -> Response:
    """All components are ticked at first."""
    components = queries.components(session)
    response = render(
        request,
        "notices/subscribe.html",
        status=status_and_title(refusal)[0] if refusal else 200,
        components=components,
        chosen=form.all("components") if form else [each.key for each in components],
        address=form.text("address") if form else "",
        offers_texts=subscribing.can_text(settings_of(request)),
        errors=_errors(refusal) if refusal else (),
    )
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _errors(refusal: Refusal) -> tuple[FieldError, ...]:
    """There is one field for either kind of address, so what is no number may be either."""
    found = []
    for each in refusal.fields:
        is_address = each.field in ("email", "phone")
        is_neither = each.field == "phone" and each.code == "invalid"
        message = _NEITHER if is_neither else each.message
        found.append(FieldError("address" if is_address else each.field, each.code, message))
    return tuple(found) or (FieldError("", refusal.code, refusal.message),)


def _hint(row: Subscription) -> str:
    is_email = row.channel is Channel.EMAIL
    return masked_email(row.address) if is_email else masked(row.address)


def _limit_tokens(request: Request) -> None:
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.TOKEN_IP, client_ip(request))
