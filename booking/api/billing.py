"""The business's account with us: how it stands, its card and its invoices; and what payment
processors tell us."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from booking.api.caller import Caller, OwnerReads, OwnerWrites, owner_caller
from booking.api.idempotent import IdempotentRoute
from booking.api.resource import resource
from booking.billing import paying, queries
from booking.billing.actions import plans
from booking.billing.models import InvoiceState
from booking.billing.queries import InvoiceShown, Standing
from booking.billing.rules.standing import Action, BillingStatus
from booking.billing.rules.terms import TERMS
from booking.dependencies import database_of
from booking.rate_limit import Limit, Limiter

router = resource(tag="billing", route_class=IdempotentRoute)


class PlanOut(BaseModel):
    code: str
    name: str
    price: int
    currency: str
    seats: int


class CardOut(BaseModel):
    """`expires` as `YYYY-MM`. `refused` says why the bank wants no more charges of it."""

    brand: str
    last4: str
    expires: str
    refused: str | None


class TermsOut(BaseModel):
    version: str
    text: str


class BillingOut(BaseModel):
    """`covered_until` is the end of the paid period; of the present one where nothing is ever due.
    A cancelled plan goes on until then. While `payment_in_progress`, nobody knows yet whether a
    payment was taken, and none is begun."""

    status: BillingStatus
    plan: PlanOut
    amount_due: int
    currency: str
    due_since: datetime | None
    next_try_at: datetime | None
    covered_until: datetime
    grace_ends_at: datetime | None
    cancelled_at: datetime | None
    read_only: bool
    card: CardOut | None
    action: Action
    payment_in_progress: bool
    terms: TermsOut


class CardIn(BaseModel):
    """`payment_token` is what the payment processor's page or field gave; never a card's number."""

    model_config = ConfigDict(extra="forbid")

    payment_token: Annotated[str, Field(min_length=1, max_length=500)]
    accept_terms: bool = False


class InvoiceLineOut(BaseModel):
    text: str
    amount: int


class InvoiceOut(BaseModel):
    """`total` is that of the lines; no tax is charged. `card` is set once it is paid with one."""

    number: str
    state: InvoiceState
    plan: str
    period_starts_at: datetime
    period_ends_at: datetime
    issued_at: datetime
    paid_at: datetime | None
    lines: list[InvoiceLineOut]
    total: int
    currency: str
    card: str | None


class InvoiceList(BaseModel):
    items: list[InvoiceOut]
    next_cursor: str | None = None


class TakenOut(BaseModel):
    """False where it was known already."""

    taken: bool


@router.get("/businesses/{slug}/billing")
def get_billing(caller: OwnerReads) -> BillingOut:
    return _standing(queries.standing(caller.session))


@router.post("/businesses/{slug}/billing/card", responses={202: {"model": BillingOut}})
def update_card(request: Request, slug: str, body: CardIn, response: Response) -> BillingOut:
    """The card of the account; what is due is taken from it first. 202 while nobody knows whether
    it was: look again, and do not pay twice."""
    database = database_of(request)
    with database.reading() as session:
        caller: Caller = owner_caller(session, request, slug)
        business_id, by = caller.business.id, caller.actor
    limiter: Limiter = request.app.state.limiter
    limiter.hit(Limit.CARD_BUSINESS, str(business_id))
    standing = paying.update_card(
        database, business_id, body.payment_token, accept_terms=body.accept_terms, by=by
    )
    if standing.payment_in_progress:
        response.status_code = 202
    return _standing(standing)


@router.post("/businesses/{slug}/billing/cancel")
def cancel(caller: OwnerWrites) -> BillingOut:
    """At the end of what is paid for."""
    plans.cancel(caller.session, by=caller.actor)
    return _standing(queries.standing(caller.session))


@router.post("/businesses/{slug}/billing/resume")
def resume(caller: OwnerWrites) -> BillingOut:
    """Before the end it goes on; after it a new month is due, and it goes on once that is paid."""
    plans.resume(caller.session, by=caller.actor)
    return _standing(queries.standing(caller.session))


@router.get("/businesses/{slug}/billing/invoices")
def list_invoices(caller: OwnerReads) -> InvoiceList:
    """Latest first."""
    return InvoiceList(items=[_invoice(each) for each in queries.invoices(caller.session)])


@router.get("/businesses/{slug}/billing/invoices/{invoice_number}")
def get_invoice(caller: OwnerReads, invoice_number: str) -> InvoiceOut:
    return _invoice(queries.invoice(caller.session, invoice_number))


def _documented() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {"requestBody": {"required": True, "content": content}}


@router.post("/billing/events/{gateway}", openapi_extra=_documented())
async def take_event(request: Request, gateway: str) -> TakenOut:
    """For the payment processor, signed as it signs. Only that something happened is taken from
    it; what, we ask the processor. The same again changes nothing."""
    body = await request.body()
    taken = await run_in_threadpool(
        paying.take_event, database_of(request), gateway, request.headers, body
    )
    return TakenOut(taken=taken)


def _standing(standing: Standing) -> BillingOut:
    plan, card = standing.plan, standing.card
    return BillingOut(
        status=standing.status,
        plan=PlanOut(
            code=plan.code,
            name=plan.name,
            price=plan.price_minor,
            currency=plan.currency,
            seats=plan.seats,
        ),
        amount_due=standing.amount_due,
        currency=standing.currency,
        due_since=standing.due_since,
        next_try_at=standing.next_try_at,
        covered_until=standing.covered_until,
        grace_ends_at=standing.grace_ends_at,
        cancelled_at=standing.cancelled_at,
        read_only=standing.is_read_only,
        card=CardOut(
            brand=card.brand,
            last4=card.last4,
            expires=card.expires,
            refused=card.refused or None,
        )
        if card
        else None,
        action=standing.action,
        payment_in_progress=standing.payment_in_progress,
        terms=TermsOut(version=TERMS.version, text=TERMS.text),
    )


def _invoice(shown: InvoiceShown) -> InvoiceOut:
    return InvoiceOut(
        number=shown.number,
        state=shown.state,
        plan=shown.plan.name,
        period_starts_at=shown.period_starts_at,
        period_ends_at=shown.period_ends_at,
        issued_at=shown.issued_at,
        paid_at=shown.paid_at,
        lines=[InvoiceLineOut(text=line.text, amount=line.amount_minor) for line in shown.lines],
        total=shown.total_minor,
        currency=shown.currency,
        card=shown.card or None,
    )
