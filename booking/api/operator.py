"""Writing service notices: for the operators of the whole service."""

import uuid

from fastapi import Request

from booking import clock
from booking.api.caller import OperatorWrites
from booking.api.idempotent import IdempotentRoute
from booking.api.merge import merged
from booking.api.notice_shapes import ComponentOut, NoticeOut, NoticePatch, as_it_is, shown
from booking.api.resource import resource
from booking.dependencies import settings_of
from booking.notices import queries
from booking.notices.actions import posting as verbs
from booking.notices.actions.posting import ComponentIn, Line, Posting

router = resource("/operator", tag="operator", route_class=IdempotentRoute)


@router.post("/notices", status_code=201)
def post(operator: OperatorWrites, request: Request, body: Posting) -> NoticeOut:
    """Say when it ends (`ends_at`), or by when you write again (`next_update_at`): then it leaves
    by itself."""
    notice = verbs.post(operator.session, body, by=operator.actor)
    return _shown(operator, request, notice.id)


@router.patch("/notices/{notice_id}")
def change(
    operator: OperatorWrites, request: Request, notice_id: uuid.UUID, body: NoticePatch
) -> NoticeOut:
    """New times are told to subscribers, as an update. 409 `notice_over` once it is over."""
    found = queries.find(operator.session, notice_id)
    posting = merged(Posting, as_it_is(found, body), body)
    verbs.revise(operator.session, found.notice, posting, by=operator.actor)
    return _shown(operator, request, notice_id)


@router.post("/notices/{notice_id}/updates", status_code=201)
def add_update(
    operator: OperatorWrites, request: Request, notice_id: uuid.UUID, body: Line
) -> NoticeOut:
    """A line of the timeline; with `resolved` the notice ends at once."""
    found = queries.find(operator.session, notice_id)
    verbs.add_update(operator.session, found.notice, body, by=operator.actor)
    return _shown(operator, request, notice_id)


@router.post("/components", status_code=201)
def add_component(operator: OperatorWrites, body: ComponentIn) -> ComponentOut:
    return ComponentOut.of(verbs.add_component(operator.session, body, by=operator.actor))


@router.put("/components/{key}")
def change_component(operator: OperatorWrites, key: str, body: ComponentIn) -> ComponentOut:
    component = queries.component(operator.session, key)
    verbs.change_component(operator.session, component, body, by=operator.actor)
    return ComponentOut.of(component)


def _shown(operator: OperatorWrites, request: Request, notice_id: uuid.UUID) -> NoticeOut:
    settings = settings_of(request)
    found = queries.find(operator.session, notice_id)
    return shown(found, clock.now(), settings.public_url, settings.timezone)
