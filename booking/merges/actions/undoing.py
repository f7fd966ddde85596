"""A merge taken back: every row and link as it was, and nothing overwritten that people changed."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.models import Account
from booking.audit.actions import Actor, record
from booking.businesses.queries import this_business
from booking.clients import actions as clients
from booking.clients.models import Client, ClientStatus, Compared
from booking.clients.queries import account_of, find_many
from booking.database import Base, lock
from booking.errors import Conflict
from booking.invitations.models import Invitation, InvitationState
from booking.merges import queries, rows, rules
from booking.merges.actions.holding import hold
from booking.merges.actions.moving import LIVE
from booking.merges.models import Merge, MergeState
from booking.merges.rows import Key, Row
from booking.merges.rules import Difference

Decision = Literal["keep", "restore"]
Entry = dict[str, Any]
# What follows from the rest, or is only about when.
_DERIVED = {
    "sort_name",
    "search_text",
    "compared",
    "email_key",
    "email_version",
    "updated_at",
}
# Where a change since is for people to decide about; other rows go back if nobody touched them.
_DECIDED = ("client", "pet", "appointment")


class AlreadyUndone(Conflict):
    code = "already_undone"
    message = "This merge was undone already."


class UndoExpired(Conflict):
    code = "undo_expired"
    message = f"A merge can be undone for {queries.UNDO_DAYS} days. That time is over."


class UndoLaterFirst(Conflict):
    """`extra["merge_id"]` is the merge to undo first."""

    code = "undo_later_first"
    message = "A later merge built on this one. Undo that one first."


class KeptIsGone(Conflict):
    code = "kept_is_gone"
    message = "The record everything went into is no longer there, so nothing can be taken back."


class Conflicts(Conflict):
    """Returned, not raised: `conflicts` is what was changed since and has to be decided."""

    code = "undo_conflicts"
    message = "Some things were changed since. Say for each whether it stays or is put back."

    def __init__(self, conflicts: tuple[Difference, ...]) -> None:
        super().__init__(conflicts=[asdict(each) for each in conflicts])
        self.conflicts = conflicts


@dataclass(frozen=True, slots=True)
class Undone:
    """`gone` says, in sentences, what could not be given back since it is no longer there."""

    merge: Merge
    kept: Client
    restored: list[Client]
    gone: tuple[str, ...]


@dataclass(slots=True)
class _Undoing:
    """One merge on its way back. `now` are its rows as they are; `stay` names what was changed
    since and is left so."""

    session: Session
    merge: Merge
    by: Actor
    kept: Client
    now: dict[Key, Row]
    stay: set[str] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)

    def entries(self, *tables: str) -> Iterator[tuple[Key, Entry]]:
        for entry in self.merge.changed:
            if entry["table"] in tables:
                yield (entry["table"], entry["id"]), entry


def undo(
    session: Session,
    merge: Merge,
    *,
    decisions: Mapping[str, Decision] | None = None,
    by: Actor,
) -> Undone | Conflicts:
    """Take it apart again. What came since (visits, pets) stays with the kept record.

    What was changed since is left or put back as `decisions` say, by `Difference.key`; while one
    is missing nothing is written and Conflicts is returned. Raises AlreadyUndone, UndoExpired,
    UndoLaterFirst, KeptIsGone.
    """
    undoing = _begin(session, merge, by)
    found = tuple(_differences(undoing))
    said = decisions or {}
    if any(said.get(each.key) not in ("keep", "restore") for each in found):
        return Conflicts(found)
    undoing.stay = {each.key for each in found if said[each.key] == "keep"}

    _put_back(undoing, "client")
    _restore_decided(undoing, "pet", "appointment")
    _restore_invitations(undoing)
    _restore_links(undoing)
    _restore_untouched(undoing)
    _put_back(undoing, "pet")
    _put_back_the_rest(undoing)
    _restore_kept(undoing)
    return _finish(undoing)


def _begin(session: Session, merge: Merge, by: Actor) -> _Undoing:
    lock(session, this_business(session))
    lock(session, merge)
    if merge.state is MergeState.UNDONE:
        raise AlreadyUndone
    if not queries.may_undo(merge):
        raise UndoExpired
    later = queries.later_merge(session, merge)
    if later is not None:
        names = ", ".join(row.name for row in queries.merged_of(session, [later.id])[later.id])
        raise UndoLaterFirst(
            f"Undo the later merge of {names} into {later.kept_name} first.",
            merge_id=str(later.id),
        )
    kept = hold(session, [merge.kept_id]).get(merge.kept_id)
    if kept is None:
        raise KeptIsGone
    session.flush()
    keys = {(entry["table"], entry["id"]) for entry in merge.changed}
    return _Undoing(session, merge, by, kept, rows.read_again(session, keys))


def _differences(undoing: _Undoing) -> Iterator[Difference]:
    for key, entry in undoing.entries(*_DECIDED):
        now = undoing.now.get(key)
        if now is None:
            continue
        for column in rules.differing(entry, now):
            if column in _DERIVED:
                continue
            values = [each[column] for each in (entry["before"], entry["after"], now)]
            if column == "client_id":
                values = [queries.owner(undoing.session, undoing.merge, each) for each in values]
            name = _name(undoing, key, now)
            yield rules.difference(f"{key[0]}:{key[1]}:{column}", name, column, *values)
    login = _login_difference(undoing)
    if login is not None:
        yield login


def _name(undoing: _Undoing, key: Key, row: Row) -> str:
    if key[0] == "client":
        return undoing.kept.name
    return str(row["name"]) if key[0] == "pet" else f"the visit of {row['starts_at'][:10]}"


def _login_difference(undoing: _Undoing) -> Difference | None:
    """Somebody signs in for the kept record who did not when it was merged, or nobody does now."""
    kept_id = str(undoing.kept.id)
    links = [entry for _, entry in undoing.entries("link")]
    removed = [one["row"] for one in undoing.merge.removed if one["table"] == "link"]
    after = _account_in(kept_id, (entry["after"] for entry in links))
    present = account_of(undoing.session, undoing.kept)
    now = str(present.account_id) if present else None
    if now == after:
        return None
    before = _account_in(kept_id, (*(entry["before"] for entry in links), *removed))
    then, left, there = (_login(undoing.session, one) for one in (before, after, now))
    name = undoing.kept.name
    message = (
        f"Login of {name}: {then or 'none'} before the merge, {left or 'none'} after it,"
        f" {there or 'none'} now."
    )
    return Difference(f"client:{kept_id}:login", name, "login", then, left, there, message)


def _account_in(client_id: str, links: Any) -> str | None:
    return next((str(one["account_id"]) for one in links if one["client_id"] == client_id), None)


def _login(session: Session, account_id: str | None) -> str | None:
    account = session.get(Account, uuid.UUID(account_id)) if account_id else None
    return account.email if account else None


def _put_back(undoing: _Undoing, *tables: str) -> None:
    for one in undoing.merge.removed:
        name, row = one["table"], one["row"]
        if name not in tables:
            continue
        if name == "client":
            row = row | {"compared": Compared.CHANGED.value}
        if not rows.put_back(undoing.session, name, row):
            undoing.gone.append(f"A row of {name.replace('_', ' ')}s leads nowhere by now.")


def _restore_decided(undoing: _Undoing, *tables: str) -> None:
    for key, entry in undoing.entries(*tables):
        now = undoing.now.get(key)
        if now is None:
            what = entry["before"].get("name", "A visit")
            undoing.gone.append(f"{what} was removed since the merge.")
            continue
        _write_before(undoing, key, entry, now)


def _write_before(undoing: _Undoing, key: Key, entry: Entry, now: Row) -> None:
    before = entry["before"]
    values = {
        name: value
        for name, value in before.items()
        if now[name] != value
        and name not in _DERIVED
        and f"{entry['table']}:{entry['id']}:{name}" not in undoing.stay
    }
    if values:
        rows.write(undoing.session, key, values)


def _restore_invitations(undoing: _Undoing) -> None:
    """Their owner, always. How they stand only where nothing happened to them since; one that was
    sent since went to the merged record's address, and opens nothing any more."""
    for key, entry in undoing.entries("invitation"):
        now = undoing.now.get(key)
        if now is None:
            continue
        before, after = entry["before"], entry["after"]
        if all(now[name] == after[name] for name in after):
            rows.write(undoing.session, key, before)
            continue
        if "client_id" in before:
            is_used = now["accepted_at"] is not None
            dead = {} if is_used else _dead(now["state"])
            rows.write(undoing.session, key, {"client_id": before["client_id"], **dead})


def _dead(state: str) -> Row:
    """Bound to no address, an invitation opens nothing."""
    revoked = {"state": InvitationState.REVOKED.value, "reason": "merge undone"}
    return {"email_version": None, **(revoked if state in LIVE else {})}


def _restore_links(undoing: _Undoing) -> None:
    """Whoever signed in for a record does so again. Where the kept record's login was changed
    since, and is to stay, only the logins that were ended come back to their own records."""
    session, kept_id = undoing.session, str(undoing.kept.id)
    changed = [entry for _, entry in undoing.entries("link")]
    removed = [one["row"] for one in undoing.merge.removed if one["table"] == "link"]
    if not changed and not removed and _login_difference(undoing) is None:
        return
    if f"client:{kept_id}:login" in undoing.stay:
        wanted = [row for row in removed if row["client_id"] != kept_id]
        if any(entry["before"]["client_id"] != kept_id for entry in changed):
            undoing.gone.append("The login that had moved along was taken away or replaced since.")
    else:
        wanted = [entry["before"] for entry in changed] + removed
        _take_away(undoing, {row["account_id"] for row in wanted})
    session.flush()
    for row in wanted:
        if session.get(Account, uuid.UUID(row["account_id"])) is None:
            undoing.gone.append("A login was removed since the merge.")
        else:
            rows.put_back(session, "link", row)


def _take_away(undoing: _Undoing, coming_back: set[str]) -> None:
    """The kept record's present link. A login that comes back to none of them is signed out."""
    session = undoing.session
    present = account_of(session, undoing.kept)
    if present is None:
        return
    if str(present.account_id) in coming_back:
        session.delete(present)
        session.flush()
    else:
        clients.unlink(session, undoing.kept, by=undoing.by)


def _restore_untouched(undoing: _Undoing) -> None:
    """Matches, import rows and the like: as they were, where they are as the merge left them."""
    known = {"link", "invitation", *_DECIDED}
    for entry in undoing.merge.changed:
        key = (entry["table"], entry["id"])
        now = undoing.now.get(key)
        if entry["table"] in known or now is None:
            continue
        if all(now[name] == value for name, value in entry["after"].items()):
            rows.write(undoing.session, key, entry["before"])


def _put_back_the_rest(undoing: _Undoing) -> None:
    """Silently without what leads nowhere: a pair with somebody who is gone asks nothing."""
    by_hand = {"client", "link", "pet"}
    order = [table.name for table in Base.metadata.sorted_tables]
    for one in sorted(undoing.merge.removed, key=lambda one: order.index(one["table"])):
        if one["table"] not in by_hand:
            rows.put_back(undoing.session, one["table"], one["row"])


def _restore_kept(undoing: _Undoing) -> None:
    session, kept = undoing.session, undoing.kept
    key = ("client", str(kept.id))
    entry = next(entry for found, entry in undoing.entries("client") if found == key)
    before, after, now = entry["before"], entry["after"], undoing.now[key]
    _write_before(undoing, key, entry, now)
    session.flush()
    session.expire_all()
    left = rows.read_again(session, [key])[key]
    is_as_it_was = all(left[name] == before[name] for name in before if name not in _DERIVED)
    derived: Row = {"compared": Compared.CHANGED.value}
    if left["email"] == before["email"]:
        derived |= {"email_key": before["email_key"]}
    derived |= _version(before, after, now, left)
    was_untouched = now["updated_at"] == after["updated_at"]
    derived["updated_at"] = before["updated_at"] if was_untouched else rows.plain(clock.now())
    rows.write(session, key, derived)
    if left["email"] != now["email"] or left["status"] != now["status"]:
        _end_what_was_sent_since(undoing)
    session.expire_all()
    if is_as_it_was and now["search_text"] == after["search_text"]:
        rows.write(session, key, {name: before[name] for name in ("search_text", "sort_name")})
    else:
        clients.refresh_search(session, kept)
    session.flush()


def _version(before: Row, after: Row, now: Row, left: Row) -> Row:
    """What was mailed binds to the version of the address: it goes back only where nothing raised
    it since, and rises once more where the address changes all the same."""
    if now["email_version"] == after["email_version"] and left["email"] == before["email"]:
        return {"email_version": before["email_version"]}
    moved = left["email"] != now["email"] or (
        left["status"] != now["status"] and left["status"] == ClientStatus.INACTIVE.value
    )
    return {"email_version": now["email_version"] + 1} if moved else {}


def _end_what_was_sent_since(undoing: _Undoing) -> None:
    """Invitations of the kept record that went to the address the merge gave it."""
    undoing.session.execute(
        update(Invitation)
        .where(
            Invitation.client_id == undoing.kept.id,
            Invitation.accepted_at.is_(None),
            Invitation.digest.is_not(None),
            Invitation.state.in_(LIVE),
            or_(Invitation.sent_at.is_(None), Invitation.sent_at >= undoing.merge.created_at),
        )
        .values(state=InvitationState.REVOKED, reason="merge undone", email_version=None)
        .execution_options(synchronize_session=False)
    )


def _finish(undoing: _Undoing) -> Undone:
    session, merge = undoing.session, undoing.merge
    merge.state = MergeState.UNDONE
    merge.undone_at = clock.now()
    merge.undone_by_name = undoing.by.name[:200]
    merged = queries.merged_of(session, [merge.id])[merge.id]
    told = [{"id": str(row.client_id), "name": row.name} for row in merged]
    record(
        session,
        "merge.undone",
        merge,
        by=undoing.by,
        kept={"id": str(merge.kept_id), "name": merge.kept_name},
        restored=told,
    )
    session.flush()
    restored = find_many(session, [row.client_id for row in merged])
    return Undone(merge, undoing.kept, list(restored.values()), tuple(undoing.gone))
