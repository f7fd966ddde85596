"""A whole import is taken back, as far as nobody has built on it since."""

import pytest
from sqlalchemy import event, func, select

from booking.audit.actions import SYSTEM
from booking.clients import actions as clients
from booking.clients import queries
from booking.clients.models import Client, Compared
from booking.clients.queries import ClientFilter
from booking.clients.rules import PetDetails
from booking.imports import queries as imports
from booking.imports.actions import undoing
from booking.imports.actions.staging import NotNow
from booking.imports.models import ImportRow, ImportState
from booking.matching.models import ClientKey, Match, MatchState
from booking.matching.renewal import renew_due_keys
from booking.merges.actions.linking import link_match
from tests import make
from tests.imports.test_apply import ANN, again, codes, counts, listed, people, upload
from tests.imports.test_matching import BARBARA, ROBERT
from tests.site import Site
from tests.world import VISIT_TO_COME, World


def test_undo_removes_who_came_and_gives_back_what_changed(site: Site) -> None:
    upload(site, listed(ANN, "8,Bo,Ek,,1,,active,Kim,"))
    row = upload(site, listed("7,Anna,Lee,new@example.net,5,,active,Luna,", "9,Al,Em,,2,,active,,"))
    with site.writing() as session:
        done = undoing.undo(session, imports.find(session, row.id), by=SYSTEM)
    assert (done.removed, done.restored, done.spared) == (1, 1, [])
    ann = people(site, "ann lee")[0]
    assert (ann.email, ann.mobile_phone, ann.email_version) == ("ann@example.net", "", 2)
    assert people(site, "luna") == people(site, "al em") == []
    assert again(site, row).state is ImportState.UNDONE
    with site.writing() as session, pytest.raises(NotNow):
        undoing.undo(session, imports.find(session, row.id), by=SYSTEM)


def test_undo_spares_whom_somebody_worked_with(site: Site, world: World) -> None:
    lines = [f"{n},New{n},Client,n{n}@example.net,,,active,Pet{n}," for n in range(1, 6)]
    row = upload(site, listed(*lines))
    with site.writing() as session:
        one, two, three, four, _ = queries.search(session, ClientFilter(q="client"))
        make.appointment(
            session, one, world.salon.grooming, world.salon.ana, VISIT_TO_COME.replace(hour=14)
        )
        make.login(session, two, password_hash="x")
        clients.change_client(session, three, {"notes": "nice"}, by=SYSTEM)
        clients.add_pet(session, four, PetDetails(name="Own"), by=SYSTEM)
    with site.reading() as session:
        foreseen = undoing.foresee(session, imports.find(session, row.id))
        examples = [(each.client_id, why) for each, why in foreseen.examples]
    with site.writing() as session:
        done = undoing.undo(session, imports.find(session, row.id), by=SYSTEM)
    assert done.removed == 1
    assert {client_id for client_id, _ in done.spared} == {one.id, two.id, three.id, four.id}
    assert (foreseen.removed, foreseen.restored, foreseen.spared) == (1, 0, 4)
    assert examples == done.spared
    assert len(people(site, "client")) == 4
    assert sum("spared" in each for each in codes(site, row)) == 4


def test_undo_takes_keys_and_open_matches_away_and_spares_whom_staff_told_apart(
    site: Site,
) -> None:
    upload(site, listed(ROBERT))
    row = upload(site, listed(BARBARA, ",Roberta,Example,robert@example.net,,,active,,"))
    with site.writing() as session:
        renew_due_keys(session)
        keys = session.scalar(select(func.count()).select_from(ClientKey))
        match = session.scalars(select(Match).order_by(Match.id)).first()
        assert match is not None
        match.state = MatchState.REJECTED
    with site.writing() as session:
        done = undoing.undo(session, imports.find(session, row.id), by=SYSTEM)
    (spared,) = [client_id for client_id, _ in done.spared]
    assert done.removed == 1
    with site.reading() as session:
        left = session.scalars(select(Match)).all()
        assert [each.state for each in left] == [MatchState.REJECTED]
        left_keys = session.scalar(select(func.count()).select_from(ClientKey))
        assert 0 < (left_keys or 0) < (keys or 0)
        assert session.get(Client, spared) is not None


def test_what_came_back_is_compared_anew(site: Site) -> None:
    upload(site, listed(ANN))
    row = upload(site, listed("7,Anna,Lee,ann@example.net,,,active,,"))
    with site.writing() as session:
        undoing.undo(session, imports.find(session, row.id), by=SYSTEM)
    assert [one.compared for one in people(site, "ann lee")] == [Compared.CHANGED]


def test_who_was_merged_since_stays_and_the_same_file_finds_them(site: Site) -> None:
    upload(site, listed(ROBERT))
    text = listed(BARBARA, ",New,Comer,new@example.net,,,active,,")
    row = upload(site, text)
    with site.writing() as session:
        link_match(session, session.scalars(select(Match)).one(), by=SYSTEM)
    assert set(counts(site, upload(site, text))) == {"matched"}
    assert len(people(site, "example.net")) == 2
    with site.writing() as session:
        done = undoing.undo(session, imports.find(session, row.id), by=SYSTEM)
    assert (done.removed, len(done.spared)) == (1, 1)
    assert [one.name for one in people(site, "example.net")] == ["Robert Example"]
    assert codes(site, row)[0] == ["looks_like", "spared"]


def test_what_undoing_would_do_is_counted_without_reading_every_row(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long list only the few are read whose clients somebody changed since."""
    monkeypatch.setattr(undoing, "EXAMPLES", 3)
    numbers = range(1, 31)
    upload(site, listed(*(f"{n},New{n},Client,n{n}@example.net,,,active,," for n in numbers)))
    lines = [f"{n},New{n},Client,n{n}@example.net,5550{n},,active,," for n in numbers]
    row = upload(site, listed(*lines, *(f"{n},Other{n},Ek,,,,active,," for n in range(31, 61))))
    with site.writing() as session:
        for client in queries.search(session, ClientFilter(q="new"), limit=4):
            change = {"mobile_phone": "5559"} if client.first_name != "New1" else {"notes": "nice"}
            clients.change_client(session, client, change, by=SYSTEM)
        (other,) = queries.search(session, ClientFilter(q="other45"))
        clients.change_client(session, other, {"notes": "nice"}, by=SYSTEM)
    read: list[object] = []
    with site.reading() as session:
        list_of = imports.find(session, row.id)
        event.listen(session, "loaded_as_persistent", lambda _, one: read.append(one))
        foreseen = undoing.foresee(session, list_of)
        rows_read = {one.number for one in read if isinstance(one, ImportRow)}
    assert len(rows_read) == 5
    assert [why for _, why in foreseen.examples] == ["was changed since; those values stay"] * 3
    with site.writing() as session:
        done = undoing.undo(session, imports.find(session, row.id), by=SYSTEM)
    assert (foreseen.removed, foreseen.restored) == (done.removed, done.restored) == (29, 27)
    assert foreseen.spared == len(done.spared) == 4
