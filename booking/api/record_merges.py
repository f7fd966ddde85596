"""Merging the records of one person, and taking it back, for the people who run a business."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from booking.api.caller import Caller, StaffReads, StaffWrites
from booking.api.clients import ClientOut, get_client
from booking.api.idempotent import IdempotentRoute
from booking.api.lists import Cursor, Limit, decode_cursor, encode_cursor
from booking.api.resource import resource
from booking.clients.models import Client
from booking.clients.queries import find_many
from booking.errors import Invalid
from booking.fields import Line60, Line100
from booking.merges import queries
from booking.merges.actions import merging, undoing
from booking.merges.models import Merge, MergedClient, MergeState
from booking.merges.queries import Preview

router = resource("/businesses/{slug}/merges", tag="merges", route_class=IdempotentRoute)


class MergeIn(BaseModel):
    """`fields` names the record whose value stays, by field: `{"email": "<id of a client>"}`; the
    value itself will do. Where two of the records have a login, `login` is the account that stays.
    """

    model_config = ConfigDict(extra="forbid")

    keep: uuid.UUID
    merge: Annotated[list[uuid.UUID], Field(max_length=1000)]
    fields: Annotated[dict[Line60, Any], Field(max_length=100)] = {}
    login: uuid.UUID | None = None


class UndoIn(BaseModel):
    """For each of the `conflicts`, by its key: does it stay as it is now, or is it put back?"""

    model_config = ConfigDict(extra="forbid")

    decisions: Annotated[dict[Line100, Literal["keep", "restore"]], Field(max_length=10_000)] = {}


class RecordOut(BaseModel):
    id: uuid.UUID
    name: str


class MergeLine(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    kept_id: uuid.UUID
    kept_name: str
    merged: list[RecordOut]
    state: MergeState
    created_at: datetime
    created_by_name: str
    undone_at: datetime | None
    undone_by_name: str
    undo_until: datetime
    may_undo: bool


class MergeOut(MergeLine):
    """`kept` is null where that record has gone into another since. `rows` is what went, and is
    kept here: whole rows, by table."""

    kept: ClientOut | None
    rows: list[dict[str, Any]]


class UndoneOut(MergeOut):
    """`gone` says what could not be given back."""

    restored: list[ClientOut]
    gone: list[str]


class MergeList(BaseModel):
    items: list[MergeLine]
    next_cursor: str | None


class OptionOut(BaseModel):
    client_id: uuid.UUID
    value: Any


class FieldOut(BaseModel):
    """`chosen` is whose value stays; null where it is made of several."""

    field: str
    label: str
    options: list[OptionOut]
    value: Any
    chosen: uuid.UUID | None
    differs: bool


class SamePetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    pet_id: uuid.UUID
    of: uuid.UUID
    into: uuid.UUID


class LoginOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    account_id: uuid.UUID
    email: str
    client_id: uuid.UUID
    linked_at: datetime


class PreviewOut(BaseModel):
    keep: RecordOut
    merge: list[RecordOut]
    fields: list[FieldOut]
    same_pets: list[SamePetOut]
    moves: dict[str, int]
    logins: list[LoginOut]
    must_choose_login: bool


@router.get("")
def list_merges(caller: StaffReads, limit: Limit = 50, cursor: Cursor = None) -> MergeList:
    """Latest first."""
    found = queries.recent(caller.session, after=_after(cursor), limit=limit + 1)
    shown = found[:limit]
    merged = queries.merged_of(caller.session, [merge.id for merge in shown])
    return MergeList(
        items=[MergeLine(**_line(merge, merged[merge.id])) for merge in shown],
        next_cursor=encode_cursor(shown[-1].id) if len(found) > limit else None,
    )


@router.post("", status_code=201)
def merge_clients(caller: StaffWrites, body: MergeIn) -> MergeOut:
    keep, others = queries.group(caller.session, body.keep, body.merge)
    made = merging.merge(
        caller.session, keep, others, fields=body.fields, login=body.login, by=caller.actor
    )
    return MergeOut(**_whole(caller, made))


@router.post("/preview")
def preview_merge(caller: StaffReads, body: MergeIn) -> PreviewOut:
    """What a merge would do, field by field. Nothing changes."""
    keep, others = queries.group(caller.session, body.keep, body.merge)
    return _previewed(queries.preview(caller.session, keep, others, fields=body.fields))


@router.get("/{merge_id}")
def get_merge(caller: StaffReads, merge_id: uuid.UUID) -> MergeOut:
    return MergeOut(**_whole(caller, queries.find(caller.session, merge_id)))


@router.post("/{merge_id}/undo")
def undo_merge(caller: StaffWrites, merge_id: uuid.UUID, body: UndoIn | None = None) -> UndoneOut:
    """409 `undo_conflicts` lists what was changed since, in `conflicts`: send it again with a
    decision for each."""
    merge = queries.find(caller.session, merge_id)
    decisions = body.decisions if body else {}
    done = undoing.undo(caller.session, merge, decisions=decisions, by=caller.actor)
    if isinstance(done, undoing.Conflicts):
        raise done
    restored = [get_client(caller, client.id) for client in done.restored]
    return UndoneOut(**_whole(caller, merge), restored=restored, gone=list(done.gone))


def _after(cursor: str | None) -> uuid.UUID | None:
    parts = decode_cursor(cursor, 1)
    if parts is None:
        return None
    try:
        return uuid.UUID(str(parts[0]))
    except ValueError:
        raise Invalid.field("cursor", "Use the next_cursor of an earlier answer.") from None


def _line(merge: Merge, merged: list[MergedClient]) -> dict[str, Any]:
    names = {name for name in MergeLine.model_fields if hasattr(merge, name)}
    return {name: getattr(merge, name) for name in names} | {
        "merged": [RecordOut(id=row.client_id, name=row.name) for row in merged],
        "undo_until": queries.undo_until(merge),
        "may_undo": queries.may_undo(merge),
    }


def _whole(caller: Caller, merge: Merge) -> dict[str, Any]:
    merged = queries.merged_of(caller.session, [merge.id])[merge.id]
    is_there = merge.kept_id in find_many(caller.session, [merge.kept_id])
    return _line(merge, merged) | {
        "kept": get_client(caller, merge.kept_id) if is_there else None,
        "rows": [_shown(one) for one in merge.removed],
    }


# Secrets and their digests are of no use to anybody outside.
_HIDDEN = {"digest", "business_id", "search_text", "sort_name"}


def _shown(removed: dict[str, Any]) -> dict[str, Any]:
    row = {name: value for name, value in removed["row"].items() if name not in _HIDDEN}
    return {"table": removed["table"], "row": row}


def _previewed(found: Preview) -> PreviewOut:
    return PreviewOut(
        keep=_record(found.keep),
        merge=[_record(client) for client in found.others],
        fields=[
            FieldOut(
                field=line.name,
                label=line.label,
                options=[OptionOut(client_id=one, value=value) for one, value in line.options],
                value=line.value,
                chosen=line.chosen,
                differs=line.differs,
            )
            for line in found.lines
        ],
        same_pets=[SamePetOut.model_validate(pet) for pet in found.pets],
        moves=found.moves,
        logins=[LoginOut.model_validate(login) for login in found.logins],
        must_choose_login=found.must_choose_login,
    )


def _record(client: Client) -> RecordOut:
    return RecordOut(id=client.id, name=client.name)
