"""A whole import is taken back, as far as nobody has built on it since."""

import io
import uuid

import pytest
from sqlalchemy import event, func, select

from booking.audit.actions import SYSTEM, Actor
from booking.audit.models import ActorKind, AuditEntry
from booking.clients import actions as clients
from booking.clients import queries
from booking.clients.models import Client, Compared
from booking.clients.queries import ClientFilter
from booking.clients.rules import PetDetails
from booking.imports import queries as imports
from booking.imports.actions import applying, staging, undoing
from booking.imports.actions.staging import NotNow
from booking.imports.models import Import, ImportRow, ImportState
from booking.matching.models import ClientKey, Match, MatchState
from booking.matching.renewal import renew_due_keys
from booking.merges.actions.linking import link_match
from tests import make
from tests.databases import DatabaseKind
from tests.imports.test_apply import ANN, again, apply, codes, counts, listed, people, rows, upload
from tests.imports.test_matching import BARBARA, ROBERT
from tests.site import Site
from tests.world import VISIT_TO_COME, World


def undo(site: Site, row: Import) -> Import:
    """As the page and then the worker do it."""
    with site.writing() as session:
        undoing.begin(session, imports.find(session, row.id), by=SYSTEM)
    assert again(site, row).state is ImportState.UNDOING
    work(site)
    return again(site, row)


def work(site: Site) -> int:
    """A transaction a chunk, for any business. Returns how many."""
    chunks = 0
    while True:
        with site.database.writing() as session:
            if not undoing.undo_next_chunk(session):
                return chunks
        chunks += 1


def spared(site: Site, row: Import) -> list[tuple[uuid.UUID | None, str]]:
    return [
        (each.client_id, problem["message"])
        for each in rows(site, row)
        for problem in each.problems
        if problem["code"] == "spared"
    ]


def test_undo_removes_who_came_and_gives_back_what_changed(site: Site) -> None:
    upload(site, listed(ANN, "8,Bo,Ek,,1,,active,Kim,"))
    row = upload(site, listed("7,Anna,Lee,new@example.net,5,,active,Luna,", "9,Al,Em,,2,,active,,"))
    done = undo(site, row)
    assert (done.removed, done.restored, done.spared) == (1, 1, 0)
    ann = people(site, "ann lee")[0]
    assert (ann.email, ann.mobile_phone, ann.email_version) == ("ann@example.net", "", 2)
    assert people(site, "luna") == people(site, "al em") == []
    assert again(site, row).state is ImportState.UNDONE
    with site.writing() as session, pytest.raises(NotNow):
        undoing.begin(session, imports.find(session, row.id), by=SYSTEM)


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
    done = undo(site, row)
    assert done.removed == 1
    assert {client_id for client_id, _ in spared(site, row)} == {one.id, two.id, three.id, four.id}
    assert (foreseen.removed, foreseen.restored, foreseen.spared) == (1, 0, done.spared)
    assert [(each, f"Not undone: this client {why}.") for each, why in examples] == spared(
        site, row
    )
    assert len(people(site, "client")) == 4


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
    done = undo(site, row)
    ((told_apart, _),) = spared(site, row)
    assert done.removed == 1
    with site.reading() as session:
        left = session.scalars(select(Match)).all()
        assert [each.state for each in left] == [MatchState.REJECTED]
        left_keys = session.scalar(select(func.count()).select_from(ClientKey))
        assert 0 < (left_keys or 0) < (keys or 0)
        assert session.get(Client, told_apart) is not None


def test_what_came_back_is_compared_anew(site: Site) -> None:
    upload(site, listed(ANN))
    row = upload(site, listed("7,Anna,Lee,ann@example.net,,,active,,"))
    undo(site, row)
    assert [one.compared for one in people(site, "ann lee")] == [Compared.CHANGED]


def test_who_was_merged_since_stays_and_the_same_file_finds_them(site: Site) -> None:
    upload(site, listed(ROBERT))
    text = listed(BARBARA, ",New,Comer,new@example.net,,,active,,")
    row = upload(site, text)
    with site.writing() as session:
        link_match(session, session.scalars(select(Match)).one(), by=SYSTEM)
    assert set(counts(site, upload(site, text))) == {"matched"}
    assert len(people(site, "example.net")) == 2
    done = undo(site, row)
    assert (done.removed, done.spared) == (1, 1)
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
    done = undo(site, row)
    assert (foreseen.removed, foreseen.restored) == (done.removed, done.restored) == (29, 27)
    assert foreseen.spared == done.spared == 4


KNOWN = ("1,Robert,Example,robert@example.net", "2,Cy,Doe,cy@example.net", "3,Zoe,Quick,zoe@z.net")
BOB = ",Bob,Example,robert@example.net,,likes tea,,Zorro,"


def with_phone(phone: str) -> list[str]:
    return [f"{one},{phone},,active,," for one in KNOWN]


def worked_on(site: Site) -> Import:
    """A list of six: three known clients completed, one of them twice, and two new ones, of whom
    one has been worked with since."""
    upload(site, listed(*with_phone("")))
    row = upload(site, listed(*with_phone("5550"), "8,Bo,Ek,,1,,,,", "9,Al,Em,,2,,,,", BOB))
    assert counts(site, row) == {"new": 2, "updated": 4}
    with site.writing() as session:
        (other,) = queries.search(session, ClientFilter(q="al em"))
        clients.change_client(session, other, {"notes": "nice"}, by=SYSTEM)
    return row


def as_they_stand(site: Site) -> list[tuple[object, ...]]:
    said = ("first_name", "mobile_phone", "notes", "email", "external_id", "updated_at")
    return [tuple(getattr(one, name) for name in said) for one in people(site)]


def test_whom_one_list_made_and_changed_is_foreseen_to_go_unless_somebody_else_changed_them(
    site: Site,
) -> None:
    tea = ",{},Example,{}@example.net,,likes tea,,,"
    lines = [f"{n},{name},Example,{name}@example.net,5550{n},,,," for n, name in enumerate("abcd")]
    row = upload(site, listed(*lines, *(tea.format(f"{name} x", name) for name in "abc")))
    assert counts(site, row) == {"new": 4, "updated": 3}
    with site.writing() as session:
        changed = queries.search(session, ClientFilter(q="b@example.net"))
        clients.change_client(session, changed[0], {"mobile_phone": "5559"}, by=SYSTEM)
    with site.reading() as session:
        foreseen = undoing.foresee(session, imports.find(session, row.id))
        assert [(staged.number, why) for staged, why in foreseen.examples] == [
            (2, "was changed since")
        ]
    done = undo(site, row)
    assert (foreseen.removed, foreseen.restored, foreseen.spared) == (3, 3, 1)
    assert (done.removed, done.restored, done.spared) == (3, 3, 1)


def test_a_killed_worker_undoes_each_row_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    row = worked_on(site)
    monkeypatch.setattr(undoing, "CHUNK", 2)
    with site.writing() as session:
        undoing.begin(session, imports.find(session, row.id), by=SYSTEM)
    through = []
    for _ in range(3):
        with site.database.writing() as session:
            undoing.undo_next_chunk(session)
            session.rollback()  # as after SIGKILL: this chunk was not committed
        with site.database.writing() as session:
            undoing.undo_next_chunk(session)
        found = again(site, row)
        through.append(found.removed + found.restored + found.spared)
    assert through == [2, 4, 6]
    assert work(site) == 1
    found = again(site, row)
    assert (found.removed, found.restored, found.spared, found.done) == (1, 4, 1, 0)
    assert len(spared(site, row)) == 1
    known = [one for one in people(site) if one.external_id in ("1", "2", "3")]
    assert [(one.mobile_phone, one.notes) for one in known] == [("", "")] * 3
    assert people(site, "zorro") == people(site, "bo ek") == []


def test_chunks_of_any_size_leave_the_same(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(site, listed(*with_phone("")))
    before = as_they_stand(site)
    for size in (1, 2, 100):
        monkeypatch.setattr(undoing, "CHUNK", size)
        row = upload(site, listed(*with_phone("5550"), "8,Bo,Ek,,1,,,,", BOB))
        done = undo(site, row)
        assert (done.removed, done.restored, done.spared) == (1, 4, 0)
        assert as_they_stand(site) == before


def test_the_audit_log_says_who_asked_and_what_was_undone(site: Site, world: World) -> None:
    row = worked_on(site)
    owner = Actor(ActorKind.STAFF, world.owner.account_id, "Olive Owner")
    with site.writing() as session:
        undoing.begin(session, imports.find(session, row.id), by=owner)
    work(site)
    with site.reading() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "import.undone")).one()
        assert (told.actor_id, told.actor_name) == (owner.id, owner.name)
        assert told.details == {"removed": 1, "restored": 4, "spared": 1}
    assert again(site, row).undone_by_name == "Olive Owner"


def test_what_cannot_be_given_back_holds_up_no_other(site: Site) -> None:
    """Without what the import said of them nobody would know who they are."""
    upload(site, listed("7,,,ann@example.net,,,active,,", "8,Bo,Ek,,,,active,,"))
    row = upload(site, listed("7,Ann,Lee,ann@example.net,,,active,,", "8,Bo,Ek,,5,,active,,"))
    with site.writing() as session:
        (ann,) = queries.search(session, ClientFilter(q="ann lee"))
        clients.change_client(session, ann, {"email": ""}, by=SYSTEM)
    done = undo(site, row)
    assert (done.restored, done.spared, done.state) == (1, 1, ImportState.UNDONE)
    assert [why for _, why in spared(site, row)] == [
        "Not undone: this client could not be changed back; please look at it."
    ]
    assert [one.mobile_phone for one in people(site, "bo ek")] == [""]


def test_a_list_waits_until_another_is_undone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    row = worked_on(site)
    monkeypatch.setattr(undoing, "CHUNK", 2)
    with site.writing() as session:
        undoing.begin(session, imports.find(session, row.id), by=SYSTEM)
        file = io.BytesIO(listed(ANN).encode())
        later = staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM)
    assert apply(site) == 0
    with site.database.writing() as session:
        undoing.undo_next_chunk(session)
    assert apply(site) == 0
    assert work(site) == 3
    assert apply(site) == 1
    assert again(site, later).state is ImportState.DONE


def test_undoing_waits_until_a_list_that_was_begun_is_in(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = worked_on(site)
    monkeypatch.setattr(applying, "CHUNK", 1)
    with site.writing() as session:
        file = io.BytesIO(listed(ANN, "8,Bo,Ek,,1,,active,,").encode())
        staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM)
    with site.database.writing() as session:
        applying.apply_next_chunk(session)
    with site.writing() as session:
        undoing.begin(session, imports.find(session, row.id), by=SYSTEM)
    assert work(site) == 0
    assert apply(site) == 1
    assert work(site) == 1


def test_of_two_lists_to_be_undone_the_later_goes_first(site: Site) -> None:
    """It changed what the earlier one had written."""
    upload(site, listed(ANN))
    made = [upload(site, listed(ANN.replace(",,,active", f",{n},,active"))) for n in (5, 6)]
    with site.writing() as session:
        for row in made:
            undoing.begin(session, imports.find(session, row.id), by=SYSTEM)
    assert work(site) == 2
    assert [again(site, row).restored for row in made] == [1, 1]
    assert [one.mobile_phone for one in people(site, "ann lee")] == [""]


@pytest.mark.parametrize("database_kind", [DatabaseKind.POSTGRESQL], ids=str)
def test_two_workers_are_never_at_imports_of_one_business(site: Site, world: World) -> None:
    """Nor while the first chunk of one of them is not committed: others see it waiting still."""
    row = worked_on(site)
    with site.writing() as session:
        undoing.begin(session, imports.find(session, row.id), by=SYSTEM)
    with site.writing(world.kennels) as session:
        file = io.BytesIO(listed(ANN).encode())
        staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM)
    with site.database.writing() as one:
        assert undoing.undo_next_chunk(one)
        with site.writing() as session:
            file = io.BytesIO(listed(ANN).encode())
            waiting = staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM)
        assert work(site) == 0
        assert apply(site) == 1  # of the kennels
        assert again(site, waiting).state is ImportState.QUEUED
    assert apply(site) == 1
