"""The account of a business with us, for its owners: plan, what is due, the card, invoices."""

import uuid
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from booking.audit.actions import Actor
from booking.billing import invoice_pdf, paying, queries
from booking.billing.actions import plans
from booking.billing.actions.holding import PaymentInProgress
from booking.billing.gateways.opening import NoGateway
from booking.billing.gateways.protocol import CardForm
from booking.billing.invoice_pdf import Sheet
from booking.billing.models import InvoiceState
from booking.billing.paying import CardDeclined, GatewayAway, TermsNotAccepted
from booking.billing.queries import InvoiceShown
from booking.billing.rules.standing import Action
from booking.billing.rules.terms import TERMS
from booking.config import Settings
from booking.dependencies import database_of, settings_of
from booking.errors import FieldError, Refusal
from booking.mail.message import say_money
from booking.rate_limit import Limit, Limiter
from booking.web.billing_words import BUTTONS, say_date, say_expiry, say_standing
from booking.web.page import Form, allow_frame, redirect, render, status_and_title
from booking.web.visitor import OwnerReads, OwnerWrites, Visitor, owner_of_page

router = APIRouter(include_in_schema=False, tags=["billing"])


@router.get("/manage/{slug}/billing")
def account(visitor: OwnerReads, request: Request) -> Response:
    standing = queries.standing(visitor.session)
    zone = visitor.business.timezone
    return render(
        request,
        "billing/account.html",
        visitor=visitor,
        standing=standing,
        said=say_standing(standing, zone),
        button=BUTTONS[standing.action],
        expires=say_expiry(standing.card.expires) if standing.card else "",
        covered_until=say_date(standing.covered_until, zone),
        invoices=queries.invoices(visitor.session),
        say_date=say_date,
        can_pay=bool(settings_of(request).gateways),
    )


@router.get("/manage/{slug}/billing/card")
def card_page(request: Request, slug: str, payment_token: str = "") -> Response:
    """Where the processor has a page of its own, the browser comes back here with a token."""
    return _card_page(request, slug, _owner(request, slug), payment_token=payment_token[:500])


@router.post("/manage/{slug}/billing/card")
def update_card(request: Request, slug: str, form: Form) -> Response:
    owner = _owner(request, slug)
    token = form.text("payment_token")[:500]
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.CARD_BUSINESS, str(owner.business_id))
    try:
        standing = paying.update_card(
            database_of(request),
            owner.business_id,
            token,
            accept_terms=form.flag("accept_terms"),
            by=owner.actor,
        )
    except PaymentInProgress as refusal:
        return redirect(_account(slug), flash=refusal.message, kind="warning")
    except CardDeclined as refusal:
        return _card_page(request, slug, owner, refusal=refusal)
    except (GatewayAway, TermsNotAccepted) as refusal:
        return _card_page(request, slug, owner, payment_token=token, refusal=refusal)
    if standing.payment_in_progress:
        return redirect(
            _account(slug),
            flash="Your bank has not answered yet. We ask again by ourselves and write to you.",
            kind="info",
        )
    paid = f" {owner.due} was taken from it, and nothing is due." if owner.due else ""
    return redirect(_account(slug), flash=f"Your card is saved.{paid}")


@router.post("/manage/{slug}/billing/cancel")
def cancel(visitor: OwnerWrites, slug: str) -> Response:
    plans.cancel(visitor.session, by=visitor.actor)
    return redirect(_account(slug), flash="Your plan is cancelled. You can take it up again here.")


@router.post("/manage/{slug}/billing/resume")
def resume(visitor: OwnerWrites, slug: str) -> Response:
    plans.resume(visitor.session, by=visitor.actor)
    if queries.standing(visitor.session).action is Action.UPDATE_AND_PROCESS_CARD:
        return redirect(f"{_account(slug)}/card")
    return redirect(_account(slug), flash="Your plan goes on.")


@router.get("/manage/{slug}/billing/invoices/{number}.pdf")
def invoice_as_pdf(visitor: OwnerReads, request: Request, number: str) -> Response:
    shown = queries.invoice(visitor.session, number)
    drawn = invoice_pdf.draw(_sheet(shown, visitor, settings_of(request)))
    name = quote(f"{shown.number}.pdf")
    return Response(
        drawn,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Cache-Control": "no-store",
        },
    )


@router.get("/manage/{slug}/billing/invoices/{number}")
def invoice(visitor: OwnerReads, request: Request, number: str) -> Response:
    shown = queries.invoice(visitor.session, number)
    sheet = _sheet(shown, visitor, settings_of(request))
    return render(request, "billing/invoice.html", visitor=visitor, shown=shown, sheet=sheet)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose card it is. `due`: what saving it also takes, empty if nothing."""

    business_id: uuid.UUID
    actor: Actor
    action: Action
    due: str
    has_card: bool


def _owner(request: Request, slug: str) -> _Owner:
    """The payment processor is asked between transactions, so none is held open here."""
    with database_of(request).reading() as session:
        visitor = owner_of_page(session, request, slug)
        standing = queries.standing(session)
        must_pay = standing.action is Action.UPDATE_AND_PROCESS_CARD
        due = say_money(standing.amount_due, standing.currency) if must_pay else ""
        return _Owner(
            business_id=visitor.business.id,
            actor=visitor.actor,
            action=standing.action,
            due=due,
            has_card=standing.card is not None,
        )


def _card_page(
    request: Request,
    slug: str,
    owner: _Owner,
    *,
    payment_token: str = "",
    refusal: Refusal | None = None,
) -> Response:
    """Without a token it shows where to give the card; with one only the terms are left."""
    card_form: CardForm | None = None
    if not payment_token:
        try:
            card_form = paying.card_form(
                database_of(request), owner.business_id, return_path=f"{_account(slug)}/card"
            )
        except (GatewayAway, NoGateway) as away:
            refusal = refusal or away
    with database_of(request).reading() as session:
        visitor = owner_of_page(session, request, slug)
        response = render(
            request,
            "billing/card.html",
            status=status_and_title(refusal)[0] if refusal else 200,
            visitor=visitor,
            due=owner.due,
            has_card=owner.has_card,
            button=BUTTONS[owner.action],
            card_form=card_form,
            payment_token=payment_token,
            terms=TERMS,
            errors=_errors(refusal),
        )
    if card_form is not None and card_form.is_frame:
        allow_frame(response, card_form.origin)
    return response


def _errors(refusal: Refusal | None) -> tuple[FieldError, ...]:
    if refusal is None:
        return ()
    return refusal.fields or (FieldError("", refusal.code, refusal.message),)


def _sheet(shown: InvoiceShown, visitor: Visitor, settings: Settings) -> Sheet:
    zone = visitor.business.timezone
    facts = {
        "Number": shown.number,
        "Issued": say_date(shown.issued_at, zone),
        "Paid": say_date(shown.paid_at, zone) if shown.paid_at else "",
    }
    return Sheet(
        title=f"Invoice {shown.number}",
        from_lines=("Booking", settings.public_url.partition("://")[2], settings.mail_from),
        to_lines=(shown.business_name, *filter(None, shown.business_address.splitlines())),
        facts=tuple((words, value) for words, value in facts.items() if value),
        lines=tuple(
            (line.text, say_money(line.amount_minor, shown.currency)) for line in shown.lines
        ),
        total=say_money(shown.total_minor, shown.currency),
        note=_note(shown),
        currency=shown.currency,
    )


def _note(shown: InvoiceShown) -> str:
    if shown.state is InvoiceState.OPEN:
        return "Not paid yet."
    return f"Paid with {shown.card}. Thank you." if shown.card else "Nothing was to be paid."


def _account(slug: str) -> str:
    return f"/manage/{slug}/billing"
