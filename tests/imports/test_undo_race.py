"""An import is undone while the envelope is pressed. SQLite has one writer at a time."""

import threading

import pytest
from sqlalchemy import select

from booking.audit.actions import SYSTEM
from booking.imports import queries as imports
from booking.imports.actions import undoing
from booking.imports.models import Import
from booking.invitations.actions import campaigns
from booking.invitations.models import Invitation
from tests.databases import DatabaseKind
from tests.imports.test_apply import ANN, listed, people, rows, upload
from tests.imports.test_undo import work
from tests.site import Site

WITH_CONTROL = pytest.mark.parametrize("is_held", [True, False], ids=["held", "control"])
"""Invitations have no foreign keys: whoever presses the envelope holds the clients. Without it, the
positive control, somebody is invited who is gone."""


def invited(site: Site, row: Import) -> bool:
    """Is there an invitation for who came with this list?"""
    with site.reading() as session:
        theirs = Invitation.client_id.in_([one.id for one in rows(site, row)])
        return session.scalar(select(Invitation.id).where(theirs)) is not None


def to_be_undone(site: Site) -> Import:
    row = upload(site, listed(ANN))
    with site.writing() as session:
        undoing.begin(session, imports.find(session, row.id), by=SYSTEM)
    return row


def let_go(monkeypatch: pytest.MonkeyPatch, is_held: bool) -> None:
    if not is_held:
        monkeypatch.setattr(campaigns, "_holding", lambda chosen: chosen)


@WITH_CONTROL
@pytest.mark.parametrize("database_kind", [DatabaseKind.POSTGRESQL], ids=str)
def test_whom_the_envelope_is_just_inviting_stays(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    let_go(monkeypatch, is_held)
    row = to_be_undone(site)
    undo = threading.Thread(target=work, args=(site,))
    with site.writing() as session:
        campaigns.invite_all(session, by=SYSTEM)
        undo.start()
        undo.join(1 if is_held else 20)
        assert undo.is_alive() is is_held
    undo.join(20)
    assert bool(people(site, "ann lee")) is is_held
    assert invited(site, row)


@WITH_CONTROL
@pytest.mark.parametrize("database_kind", [DatabaseKind.POSTGRESQL], ids=str)
def test_who_is_just_being_removed_is_not_invited(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    let_go(monkeypatch, is_held)
    row = to_be_undone(site)

    def press() -> None:
        with site.writing() as session:
            campaigns.invite_all(session, by=SYSTEM)

    envelope = threading.Thread(target=press)
    with site.database.writing() as session:
        assert undoing.undo_next_chunk(session)
        envelope.start()
        envelope.join(1 if is_held else 20)
        assert envelope.is_alive() is is_held
    envelope.join(20)
    assert people(site, "ann lee") == []
    assert invited(site, row) is not is_held
