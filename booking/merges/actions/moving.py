"""What points at a record moves to the one that stays: pets, logins, invitations, matches, and
everything else by the foreign keys there are."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from booking import clock
from booking.accounts.actions.proofs import end_proofs
from booking.accounts.actions.sign_in import end_all_sessions
from booking.accounts.models import Account
from booking.appointments.models import Appointment
from booking.audit.actions import Actor, record
from booking.businesses.queries import this_business
from booking.clients.models import Client, Link, Pet
from booking.clients.queries import pets_of
from booking.clients.rules import PetDetails
from booking.database import business_of
from booking.errors import Conflict, Invalid
from booking.invitations.models import OPEN_STATES, Invitation, InvitationState
from booking.mail.actions import queue
from booking.matching.models import Match, MatchState
from booking.merges import queries, rows, rules
from booking.merges.emails import LoginEnded

_BY_HAND = {"pet", "link", "invitation", "match"}
LIVE = (*OPEN_STATES, InvitationState.SENT)


class ChooseLogin(Conflict):
    """`extra["logins"]`: `{account_id, email, client_id}` of each."""

    code = "choose_login"
    message = "Two of these records have a login of their own. Say which one stays."


def move_pets(session: Session, clients: Sequence[Client]) -> None:
    """A pet the first record has already fills the gaps of that one; every other pet moves."""
    same = queries.same_pets(session, clients)
    others = [client.id for client in clients[1:]]
    pets = pets_of(session, [client.id for client in clients], archived=True)
    by_id = {pet.id: pet for theirs in pets.values() for pet in theirs}
    for pet_id, stays_id in same.items():
        pet, stays = by_id[pet_id], by_id[stays_id]
        for name, value in rules.filled_pet(_said_of(stays), _said_of(pet)).items():
            setattr(stays, name, value)
        session.delete(pet)
    for client_id in others:
        for pet in pets[client_id]:
            if pet.id not in same:
                pet.client_id = clients[0].id
    _rename_pets(session, others, same)
    session.flush()


def _said_of(pet: Pet) -> dict[str, Any]:
    return {name: getattr(pet, name) for name in PetDetails.model_fields}


def _rename_pets(
    session: Session, client_ids: Collection[uuid.UUID], same: dict[uuid.UUID, uuid.UUID]
) -> None:
    """A visit names its pets by their ids; what it calls them stays as it was agreed."""
    if not same:
        return
    now = {str(pet_id): str(stays_id) for pet_id, stays_id in same.items()}
    for visit in session.scalars(select(Appointment).where(Appointment.client_id.in_(client_ids))):
        if any(pet.get("id") in now for pet in visit.pets):
            visit.pets = [
                {**pet, "id": now.get(pet["id"], pet["id"])} if pet.get("id") else pet
                for pet in visit.pets
            ]


def check_login(
    session: Session, clients: Sequence[Client], login: uuid.UUID | None
) -> uuid.UUID | None:
    """The account whose login stays. Raises ChooseLogin, and Invalid for one of nobody."""
    logins = queries.logins_of(session, clients)
    accounts = {each.account_id for each in logins}
    if login is not None and login not in accounts:
        raise Invalid.field("login", "Choose one of the logins of these records.", "unknown")
    if len(accounts) > 1 and login is None:
        shown = [
            {
                "account_id": str(each.account_id),
                "email": each.email,
                "client_id": str(each.client_id),
            }
            for each in logins
        ]
        raise ChooseLogin(logins=shown)
    return login or next(iter(accounts), None)


def move_login(
    session: Session, clients: Sequence[Client], stays: uuid.UUID | None, *, by: Actor
) -> None:
    """One login stays; another's link goes, and with it its sessions, codes and mailed links where
    it has no other record. Its owner is told."""
    query = select(Link).where(Link.client_id.in_([client.id for client in clients]))
    links = list(session.scalars(query.order_by(Link.id)))
    keep = clients[0]
    staying = [link for link in links if link.account_id == stays]
    staying.sort(key=lambda link: link.client_id != keep.id)
    for link in links:
        if link not in staying[:1]:
            session.delete(link)
    session.flush()
    for link in staying[:1]:
        link.client_id = keep.id
    session.flush()
    by_id = {client.id: client for client in clients}
    for link in links:
        if link.account_id != stays:
            _end_login(session, by_id[link.client_id], link.account_id, by)


def _end_login(session: Session, client: Client, account_id: uuid.UUID, by: Actor) -> None:
    record(session, "client.unlinked", client, by=by, account_id=str(account_id))
    account = session.get(Account, account_id)
    if account is None:
        return
    other = select(Link.id).where(Link.account_id == account_id).limit(1)
    has_other = session.scalar(other) is not None
    if not has_other:
        end_all_sessions(session, account)
        end_proofs(session, account.id)
    business = this_business(session)
    email = LoginEnded(
        sender_name=business.name,
        reply_to=business.email,
        first_name=client.first_name,
        signed_out=not has_other,
    )
    queue(session, email, to=account.email, business_id=business.id)


def move_invitations(
    session: Session, keep: Client, versions: Mapping[uuid.UUID, int], *, has_login: bool
) -> None:
    """All move; one at most stays alive, the kept record's own before others, and only one that
    was sent to the address the record has now. Links of the others open nothing any more, and still
    stop the e-mails.

    `versions` is the `email_version` of each record before anything changed.
    """
    query = select(Invitation).where(Invitation.client_id.in_(list(versions)))
    every = list(session.scalars(query.order_by(Invitation.id.desc())))
    every.sort(key=lambda row: row.client_id != keep.id)
    alive = [row for row in every if _is_alive(row, keep, versions[row.client_id])]
    stays = alive[0] if alive and not has_login else None
    for row in every:
        if row is not stays and (row.client_id != keep.id or row in alive):
            _retire(row)
        row.client_id = keep.id
    if stays is not None and stays.email_version is not None:
        stays.email_version = keep.email_version
    session.flush()


def _is_alive(row: Invitation, keep: Client, version: int) -> bool:
    if row.accepted_at is not None or row.state not in LIVE:
        return False
    if row.expires_at is not None and row.expires_at <= clock.now():
        return False
    if row.digest is None:  # nothing was sent yet: it will go to the address there is then
        return True
    return row.email_version == version and row.email_key == keep.email_key


def _retire(row: Invitation) -> None:
    if row.accepted_at is not None:
        return
    row.email_version = None  # binds its link to no address: it opens nothing
    if row.state in LIVE:
        row.state, row.reason, row.lease_until = InvitationState.REVOKED, "merged", None


def move_matches(session: Session, keep_id: uuid.UUID, other_ids: Collection[uuid.UUID]) -> None:
    """The pairs among these are answered. A pair with somebody else is one with the kept record
    now; where it has that pair already, what was decided of either stays decided."""
    everybody = {keep_id, *other_ids}
    query = select(Match).where(or_(Match.client_id.in_(everybody), Match.other_id.in_(everybody)))
    found = list(session.scalars(query.order_by(Match.id)))
    found.sort(key=lambda match: keep_id not in (match.client_id, match.other_id))
    stay: dict[Any, Match] = {}
    for match in found:
        if {match.client_id, match.other_id} <= everybody:
            session.delete(match)
            continue
        known = stay.setdefault(_partner(match, everybody), match)
        if known is not match:
            _take_decision(known, match)
            session.delete(match)
    session.flush()
    for match in stay.values():
        _move_match(match, keep_id, everybody)
    session.flush()


def _partner(match: Match, ours: Collection[uuid.UUID]) -> tuple[str, uuid.UUID | None]:
    if match.appointment_id is not None:
        return "visit", match.appointment_id
    if match.account_id is not None:
        return "login", match.account_id
    return "client", match.client_id if match.other_id in ours else match.other_id


def _take_decision(known: Match, match: Match) -> None:
    """That a visit or a login was linked says more than anything else that was decided of it."""
    if match.state is not MatchState.LINKED and (
        known.state is not MatchState.OPEN or match.state is MatchState.OPEN
    ):
        return
    for name in ("state", "decided_at", "decided_by", "decided_by_name"):
        setattr(known, name, getattr(match, name))


def _move_match(match: Match, keep_id: uuid.UUID, ours: Collection[uuid.UUID]) -> None:
    """Of two clients the smaller id stands first."""
    if match.other_id is None:
        match.client_id = keep_id
    else:
        stranger = match.client_id if match.other_id in ours else match.other_id
        match.client_id, match.other_id = sorted((keep_id, stranger))
    if match.newcomer_id in ours:
        match.newcomer_id = keep_id


def move_the_rest(session: Session, keep_id: uuid.UUID, other_ids: Collection[uuid.UUID]) -> None:
    """Visits, import rows, and whatever else names a client."""
    for column in rows.pointing_at_clients():
        if column.table.name in _BY_HAND:
            continue
        session.execute(
            update(column.table)
            .where(column.table.c.business_id == business_of(session), column.in_(other_ids))
            .values({column.name: keep_id})
        )
