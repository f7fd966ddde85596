"""Reading what a business has chosen, and saving a change to it with its history."""

import functools
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Text, bindparam, cast, func, select, text
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from booking import clock
from booking.accounts.actions.sign_in import end_client_sessions
from booking.audit.actions import Actor, record
from booking.database import business_of, lock
from booking.errors import Conflict
from booking.preferences.models import PolicyVersion, PreferenceChange, PreferenceSet
from booking.preferences.patches import Change, changes, chosen, merged, typed
from booking.preferences.rules import Preferences

_table = PreferenceSet.__table__
_CURRENT = select(_table.c.version, cast(_table.c.chosen, Text)).where(
    _table.c.business_id == bindparam("business_id")
)
_BEGIN = text(
    "INSERT INTO preference_set (business_id, version, chosen) VALUES (:business_id, 1, :chosen)"
    " ON CONFLICT (business_id) DO NOTHING"
).bindparams(bindparam("business_id", type_=Uuid()), bindparam("chosen", type_=JSON()))
_DEFAULTS = Preferences()


class StalePreferences(Conflict):
    code = "stale_preferences"
    message = "Somebody else has saved these preferences meanwhile. Look at what changed."


def current(session: Session) -> Preferences:
    """What this business has chosen, the defaults included."""
    row = session.execute(_CURRENT, {"business_id": business_of(session)}).one_or_none()
    return loaded(row[0], row[1]) if row else _DEFAULTS


@functools.lru_cache(maxsize=1024)
def loaded(version: int | None, kept: str | None) -> Preferences:
    """From the columns of a PreferenceSet, null where nothing was ever saved.

    Cached by content, not by whose it is: so it can't be stale.
    """
    return typed(json.loads(kept), version) if version and kept else _DEFAULTS


def change(
    session: Session, patch: Mapping[str, Any], *, expected_version: int, by: Actor
) -> Preferences:
    """Save a JSON merge patch. Raises StalePreferences, or Invalid with a path for each fault."""
    row = _locked(session)
    if row.version != expected_version:
        raise StalePreferences(version=row.version)
    before = typed(row.chosen, row.version)
    after = merged(before, patch)
    made = changes(before, after)
    if not made:
        return before
    row.version += 1
    row.chosen = chosen(after)
    _note(session, row, made, by)
    if any(each.field == "cancel_and_reschedule.policy_text" for each in made):
        _keep_policy(session, after.cancel_and_reschedule.policy_text)
    was_open = before.client_settings.allow_client_online_account_access
    if was_open and not after.client_settings.allow_client_online_account_access:
        end_client_sessions(session, row.business_id)
    session.flush()
    return after.model_copy(update={"version": row.version})


def _locked(session: Session) -> PreferenceSet:
    session.execute(_BEGIN, {"business_id": business_of(session), "chosen": {}})
    row = session.get_one(PreferenceSet, business_of(session))
    lock(session, row)
    return row


def _note(session: Session, row: PreferenceSet, made: list[Change], by: Actor) -> None:
    at = clock.now()
    session.add_all(
        PreferenceChange(
            business_id=row.business_id,
            at=at,
            version=row.version,
            account_id=by.id,
            account_name=by.name[:200],
            field=each.field,
            old=each.old,
            new=each.new,
        )
        for each in made
    )
    record(
        session,
        "preferences.changed",
        row,
        by=by,
        version=row.version,
        fields=[each.field for each in made],
    )


def _keep_policy(session: Session, policy_text: str) -> None:
    if not policy_text:
        return
    latest = session.scalar(select(func.max(PolicyVersion.number))) or 0
    session.add(
        PolicyVersion(
            business_id=business_of(session),
            number=latest + 1,
            text=policy_text,
            sha256=hashlib.sha256(policy_text.encode()).hexdigest(),
            created_at=clock.now(),
        )
    )


def policy_version(session: Session) -> PolicyVersion | None:
    """The cancellation policy in force, as a row that a booking can point at."""
    if not current(session).cancel_and_reschedule.policy_text:
        return None
    latest = select(PolicyVersion).order_by(PolicyVersion.number.desc()).limit(1)
    return session.scalars(latest).one_or_none()


def history(
    session: Session, limit: int = 100, *, before: uuid.UUID | None = None
) -> Sequence[PreferenceChange]:
    """Who changed what, latest first; `before`: only what was saved before that change."""
    latest = select(PreferenceChange).order_by(PreferenceChange.id.desc()).limit(limit)
    if before is not None:
        latest = latest.where(PreferenceChange.id < before)
    return session.scalars(latest).all()


def changed_since(session: Session, version: int) -> Sequence[PreferenceChange]:
    """What others have saved since that version, earliest first."""
    later = select(PreferenceChange).where(PreferenceChange.version > version)
    return session.scalars(later.order_by(PreferenceChange.id)).all()
