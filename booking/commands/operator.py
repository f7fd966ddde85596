"""`booking operator …`: who runs the whole service, and what they say about it."""

import getpass
import sys
import uuid
from datetime import datetime
from typing import Any

from booking import clock, metadata
from booking.accounts import passwords, queries, rules
from booking.accounts.actions import operators
from booking.commands import configured, place, talk
from booking.config import Settings
from booking.database import Database
from booking.errors import Invalid, Refusal
from booking.notices import queries as notices
from booking.notices.actions import posting
from booking.notices.actions.posting import Line, Posting
from booking.notices.queries import Posted
from booking.notices.rules import say_window
from booking.web.typed import typed

assert metadata.EMAILS  # a table is written only when those it refers to are known


def add(*, email: str, name: str) -> int:
    """Somebody without a staff login gets one: the password is asked for, or read from standard
    input."""
    try:
        settings = configured.settings()
        database = place.database(settings)
        password_hash = None
        if not _has_login(database, email):
            password = _password()
            minimum = rules.staff_minimum(second_factor=False)
            passwords.check_new(password, minimum=minimum, context=(name, email))
            password_hash = passwords.hash_now(settings, password)
        with database.writing() as session:
            account = operators.add_operator(
                session, email=email, name=name, password_hash=password_hash, by=place.COMMAND
            )
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    talk.say(f"{account.email} is an operator: {settings.public_url}/operator")
    return talk.DONE


def remove(*, email: str) -> int:
    try:
        with place.database(configured.settings()).writing() as session:
            account = operators.remove_operator(session, email=email, by=place.COMMAND)
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    talk.say(f"{account.email} is no operator any more. The login stays.")
    return talk.DONE


def show(*, as_json: bool) -> int:
    try:
        with place.database(configured.settings()).reading() as session:
            found = [(each.email, each.name) for each in queries.operators(session)]
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    if as_json:
        talk.say_json([{"email": email, "name": name} for email, name in found])
        return talk.DONE
    for email, name in found:
        talk.say(f"{email}  {name}".rstrip())
    if not found:
        talk.say("There are none. Add one: booking operator add EMAIL")
    return talk.DONE


def post(*, as_json: bool, **given: Any) -> int:
    try:
        settings = configured.settings()
        values = {name: value for name, value in given.items() if value is not None}
        body = typed(Posting, values | _times(settings, given))
        with place.database(settings).writing() as session:
            notice = posting.post(session, body, by=place.COMMAND)
            posted = notices.find(session, notice.id)
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    return _say(settings, [posted], as_json)


def update(*, notice_id: uuid.UUID, text: str, resolved: bool, as_json: bool, **times: Any) -> int:
    try:
        settings = configured.settings()
        line = typed(Line, {"text": text, "resolved": resolved} | _times(settings, times))
        with place.database(settings).writing() as session:
            posted = notices.find(session, notice_id)
            posting.add_update(session, posted.notice, line, by=place.COMMAND)
            posted = notices.find(session, notice_id)
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))
    return _say(settings, [posted], as_json)


def notice_list(*, as_json: bool) -> int:
    """Planned, in force, and of the last ninety days, the latest start first."""
    try:
        settings = configured.settings()
        with place.database(settings).reading() as session:
            found = notices.notices(session, clock.now())
            return _say(settings, found, as_json)
    except Refusal as refusal:
        return talk.refuse(talk.in_words(refusal))


def _times(settings: Settings, given: dict[str, Any]) -> dict[str, datetime | None]:
    names = ("starts_at", "ends_at", "next_update_at")
    return {name: _moment(settings, name, given.get(name) or "") for name in names if name in given}


def _moment(settings: Settings, name: str, text: str) -> datetime | None:
    """With an offset, or in the service's zone. Raises Invalid."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid.field(name, "Write it like 2026-12-24T18:00 or with an offset.") from None
    return moment if moment.tzinfo else clock.to_utc(moment, settings.timezone)


def _say(settings: Settings, found: list[Posted], as_json: bool) -> int:
    now, zone = clock.now(), settings.timezone
    shown = [
        {
            "id": str(posted.notice.id),
            "state": posted.state(now).value,
            "kind": posted.notice.kind.value,
            "title": posted.notice.title,
            "when": say_window(posted.notice.starts_at, posted.notice.ends_at, zone),
            "components": [each.key for each in posted.components],
            "url": f"{settings.public_url}/status/{posted.notice.id}",
        }
        for posted in found
    ]
    if as_json:
        talk.say_json(shown)
        return talk.DONE
    for each in shown:
        talk.say(f"{each['id']}  {each['state']:9}  {each['title']}  ({each['when']})")
    if not shown:
        talk.say("No notice in force, planned, or of the last 90 days.")
    return talk.DONE


def _has_login(database: Database, email: str) -> bool:
    with database.reading() as session:
        key = rules.email_key(email)
        return queries.find_account(session, business_id=None, email_key=key) is not None


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass("Password for the operator (at least 15 characters): ")
