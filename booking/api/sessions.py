"""The live sessions of an account, of staff and clients alike: seen, and ended."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from booking.accounts.actions import sign_in
from booking.accounts.models import Account
from booking.api.caller import signed_in
from booking.api.resource import resource
from booking.database import set_business
from booking.dependencies import Reading, Writing
from booking.errors import SignInNeeded
from booking.preferences import actions as preferences

router = resource(tag="sign-in")


class SessionOut(BaseModel):
    id: uuid.UUID
    kind: str
    device: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


class SessionList(BaseModel):
    items: list[SessionOut]
    next_cursor: str | None = None


class Person:
    """Whoever holds the token, and their transaction."""

    def __init__(self, session: Reading, request: Request) -> None:
        self.session = session
        self.account, self.sign_in_id = _holder(session, request)


class WritingPerson(Person):
    def __init__(self, session: Writing, request: Request) -> None:
        super().__init__(session, request)


def _holder(session: Reading, request: Request) -> tuple[Account, uuid.UUID]:
    """A client's session ends where client accounts are switched off."""
    account, sign_in_id = signed_in(session, request)
    if account.business_id is not None:
        set_business(session, account.business_id)
        if not preferences.current(session).client_settings.allow_client_online_account_access:
            raise SignInNeeded("Client accounts are switched off at the moment.")
    return account, sign_in_id


@router.get("/sessions")
def list_sessions(person: Annotated[Person, Depends()]) -> SessionList:
    live = sign_in.sessions(person.session, person.account)
    return SessionList(
        items=[
            SessionOut(
                id=each.id,
                kind=each.kind.value,
                device=each.device,
                created_at=each.created_at,
                last_seen_at=each.last_seen_at,
                expires_at=each.expires_at,
                current=each.id == person.sign_in_id,
            )
            for each in live
        ]
    )


@router.delete("/sessions/current", status_code=204, response_class=Response)
def sign_out(person: Annotated[WritingPerson, Depends()]) -> None:
    sign_in.end_session(person.session, person.account, person.sign_in_id)


@router.delete("/sessions/{session_id}", status_code=204, response_class=Response)
def end_session(person: Annotated[WritingPerson, Depends()], session_id: uuid.UUID) -> None:
    sign_in.end_session(person.session, person.account, session_id)
