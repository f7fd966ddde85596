"""People of a file without a number are held against the list, and against each other."""

import io
import os
import signal

import pytest
from sqlalchemy import select, update

from booking.audit.actions import SYSTEM
from booking.clients import actions as clients
from booking.clients import queries
from booking.clients.models import Compared
from booking.clients.queries import ClientFilter
from booking.imports import queries as imports
from booking.imports.actions import applying, rehearsing, staging
from booking.imports.actions.preparing import Preparer
from booking.imports.models import ImportRow
from booking.matching.actions.comparing import compare_due
from booking.matching.models import ClientKey, Match, MatchState, Origin
from tests.imports.test_apply import (
    ANN,
    apply,
    codes,
    counts,
    listed,
    looking,
    people,
    rows,
    upload,
)
from tests.site import Site

ROBERT = ",Robert,Example,robert@example.net,(212) 736-5000,,active,Rex,Lab"
BOB = ",Bob,Example,robert@example.net,212-736-5000,,active,Rex,Lab"
BARBARA = ",Barbara,Example,robert@example.net,(212) 736-5000,,active,Rex,Lab"


def matches(site: Site) -> list[Match]:
    with looking(site) as session:
        return list(session.scalars(select(Match).order_by(Match.id)))


def number_of_clients(site: Site) -> int:
    return len(people(site))


def test_a_nickname_with_the_same_address_and_number_is_the_same_client(site: Site) -> None:
    upload(site, listed(ROBERT))
    row = upload(site, listed(BOB))
    assert counts(site, row) == {"matched": 1}
    assert [one.first_name for one in people(site, "robert@example.net")] == ["Robert"]


def test_somebody_who_looks_alike_becomes_a_client_with_an_open_match(site: Site) -> None:
    upload(site, listed(ROBERT))
    (robert,) = people(site, "robert example")
    row = upload(site, listed(BARBARA))
    assert (counts(site, row), codes(site, row)) == ({"review": 1}, [["looks_like"]])
    assert "Robert Example" in rows(site, row)[0].problems[0]["message"]
    (barbara,) = people(site, "barbara example")
    (match,) = matches(site)
    assert {match.client_id, match.other_id} == {robert.id, barbara.id}
    assert (match.newcomer_id, match.origin, match.state) == (
        barbara.id,
        Origin.IMPORT,
        MatchState.OPEN,
    )
    assert match.agrees


def test_the_same_file_again_finds_everybody_and_asks_nothing_again(site: Site) -> None:
    lines = [ROBERT, BARBARA, BOB, ",Lone,Wolf,,,,active,,", ",Lone,Wolf,,,,active,,"]
    first = upload(site, listed(*lines))
    asked, there = len(matches(site)), number_of_clients(site)
    second = upload(site, listed(*lines))
    assert sum(counts(site, first).values()) == len(rows(site, second))
    assert set(counts(site, second)) == {"matched"}
    third = upload(site, listed(*reversed(lines)))
    assert set(counts(site, third)) == {"matched"}
    assert (len(matches(site)), number_of_clients(site)) == (asked, there)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_a_person_twice_in_one_file_becomes_one_client(
    site: Site, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "CHUNK", chunk)
    more = BOB.replace(",,active", ",likes mornings,active")
    rob = ROBERT.replace("Robert", "Rob", 1)
    text = listed(ROBERT, ",Else,Body,else@example.net,,,active,,", more, rob)
    tried = upload(site, text, dry_run=True)
    assert counts(site, tried) == {"new": 2, "updated": 1, "matched": 1}
    assert not people(site, "robert example")
    row = upload(site, text)
    assert counts(site, row) == counts(site, tried)
    (robert,) = people(site, "robert example")
    assert robert.notes == "likes mornings"
    assert {each.client_id for each in rows(site, row)} == {
        robert.id,
        people(site, "else body")[0].id,
    }


@pytest.mark.parametrize("chunk", [1, 100])
def test_a_dry_run_judges_as_the_real_one_does(
    site: Site, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(site, listed(ANN, ROBERT))
    monkeypatch.setattr(applying, "CHUNK", chunk)
    lines = [
        ",Ann,Lee,ann@example.net,,,active,Rex,Lab",
        BARBARA,
        "B1" + BOB,
        "B2" + BOB,
        ",Barbra,Example,robert@example.net,(212) 736-5000,,active,,",
    ]
    tried = upload(site, listed(*lines), dry_run=True)
    told = [(each.verdict, each.problems) for each in rows(site, tried)]
    assert not people(site, "barbara")
    with site.writing() as session:
        staging.begin(session, imports.find(session, tried.id), by=SYSTEM)
    apply(site)
    assert [(each.verdict, each.problems) for each in rows(site, tried)] == told
    assert counts(site, tried)["review"] >= 2


@pytest.mark.parametrize(("dry_run", "caught_up"), [(True, 5_000), (False, 5_000), (False, 0)])
def test_another_worker_goes_on(
    site: Site, dry_run: bool, caught_up: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "CHUNK", 1)
    monkeypatch.setattr(rehearsing, "CAUGHT_UP_AT_ONCE", caught_up)
    with site.writing() as session:
        file = io.BytesIO(listed(ROBERT, BOB, BARBARA).encode())
        row = staging.stage(session, file, file_name="a", dry_run=dry_run, by=SYSTEM)
    for _ in range(3):
        rehearsing.forget()
        with site.database.writing() as session:
            applying.apply_next_chunk(session)
    assert counts(site, row) == {"new": 1, "matched": 1, "review": 1}


def test_a_row_without_number_finds_who_came_with_one_in_the_same_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "CHUNK", 1)
    row = upload(site, listed("7" + ROBERT, BOB))
    assert counts(site, row) == {"new": 1, "matched": 1}


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_second_process_prepares_the_next_rows_and_its_death_costs_nothing(
    site: Site, is_killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "CHUNK", 2)
    names = ("Cy,Doe", "Maud,Kowalski", "Piet,Hein", "Zoe,Quick")
    others = [f",{name},{name[:2]}@example.net,,,active,," for name in names]
    with site.writing() as session:
        file = io.BytesIO(listed(ROBERT, *others, BOB, BARBARA).encode())
        row = staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM)
    pids: set[int] = set()
    with Preparer() as preparer:
        for _ in range(4):
            with site.database.writing() as session:
                applying.apply_next_chunk(session, preparer=preparer)
            if preparer.pid is not None:
                pids.add(preparer.pid)
                if is_killed:
                    os.kill(preparer.pid, signal.SIGKILL)
    assert counts(site, row) == {"new": 5, "matched": 1, "review": 1}
    with site.writing() as session:
        assert compare_due(session) == 6
        made = select(ImportRow.id).where(ImportRow.import_id == row.id)
        keyed = select(ClientKey.client_id).where(ClientKey.client_id.in_(made)).distinct()
        assert len(session.scalars(keyed).all()) == 6
    (pid,) = pids
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_a_row_changed_is_known_though_the_other_process_looked_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(site, listed(",Robert,Example,robert@example.net,,,active,Rex,Lab"))
    monkeypatch.setattr(applying, "CHUNK", 5)
    names = ("Cy,Doe", "Maud,Kowalski", "Piet,Hein", "Zoe,Quick", "Ali,Baba")
    more = ("Ulla,Strand", "Noor,Haddad", "Finn,Berg", "Lea,Roth")
    others = [f",{name},{name[:2]}@example.net,,,active,," for name in (*names, *more)]
    by_phone = ",Robert,Example,,212-736-5000,,active,,"
    with site.writing() as session:
        file = io.BytesIO(listed(*others[:5], ROBERT, *others[5:], by_phone, ANN).encode())
        row = staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM)
    with Preparer() as preparer:
        for _ in range(2):
            with site.database.writing() as session:
                applying.apply_next_chunk(session, preparer=preparer)
                found = preparer.taken()  # while nobody else sees what this chunk did
        assert len(found) == 2
        monkeypatch.setattr(preparer, "taken", lambda: found)
        with site.database.writing() as session:
            applying.apply_next_chunk(session, preparer=preparer)
    assert counts(site, row) == {"new": 10, "updated": 1, "matched": 1}


def test_a_row_that_cant_be_read_stops_no_dry_run(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "CHUNK", 3)
    with site.writing() as session:
        file = io.BytesIO(listed(ROBERT, ANN, BARBARA, BOB).encode())
        row = staging.stage(session, file, file_name="a", dry_run=True, by=SYSTEM)
        broken = update(ImportRow).where(ImportRow.number == 2).values(person={"line": "?"})
        session.execute(broken)
    apply(site)
    assert counts(site, row) == {"new": 1, "matched": 1, "review": 1, "rejected": 1}


def test_a_number_tells_apart_those_of_one_file(site: Site) -> None:
    row = upload(site, listed(ANN, ANN.replace("7,", "8,", 1)))
    assert counts(site, row) == {"new": 2}
    assert {one.compared for one in people(site, "ann lee")} == {Compared.CHANGED}


def test_an_inactive_client_is_found_and_stays_inactive(site: Site) -> None:
    upload(site, listed(ROBERT.replace("active", "inactive")))
    row = upload(site, listed(BOB))
    assert (counts(site, row), codes(site, row)) == ({"matched": 1}, [["kept", "kept"]])
    assert people(site, "robert example")[0].status.value == "inactive"


def test_of_several_who_are_the_same_the_oldest_active_one_is_taken(site: Site) -> None:
    upload(site, listed("1" + ROBERT.replace("active", "inactive"), "2" + ROBERT, "3" + ROBERT))
    row = upload(site, listed(ROBERT))
    assert codes(site, row) == [["several_clients"]]
    with looking(site) as session:
        (found,) = rows(site, row)
        client = queries.find(session, found.client_id) if found.client_id else None
    assert client is not None
    assert client.external_id == "2"


def test_what_staff_changed_since_is_seen_when_the_same_file_comes_again(site: Site) -> None:
    upload(site, listed(ROBERT))
    with site.writing() as session:
        (robert,) = queries.search(session, ClientFilter(q="robert example"))
        clients.change_client(session, robert, {"mobile_phone": None}, by=SYSTEM)
    assert counts(site, upload(site, listed(ROBERT))) == {"updated": 1}
    assert people(site, "robert example")[0].mobile_phone == "(212) 736-5000"


def test_somebody_with_another_name_by_now_is_still_who_the_file_meant(site: Site) -> None:
    upload(site, listed(ROBERT))
    with site.writing() as session:
        (robert,) = queries.search(session, ClientFilter(q="robert example"))
        changes = {"last_name": "Newname", "mobile_phone": None}
        clients.change_client(session, robert, changes, by=SYSTEM)
    row = upload(site, listed(ROBERT))
    assert (counts(site, row), codes(site, row)) == ({"updated": 1}, [["kept"]])
