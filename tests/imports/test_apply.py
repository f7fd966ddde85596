"""A list is staged, applied in chunks, applied again, tried, mapped and undone."""

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.audit.actions import SYSTEM
from booking.clients import actions as clients
from booking.clients import queries
from booking.clients.models import Client
from booking.clients.queries import ClientFilter
from booking.errors import NotFound
from booking.imports import queries as imports
from booking.imports.actions import applying, staging
from booking.imports.actions.staging import NotNow
from booking.imports.models import Import, ImportRow, ImportState, Verdict
from booking.imports.rules.formats import UnusableMapping
from booking.imports.rules.reading import UnreadableFile
from tests.site import Site
from tests.world import World

SLICE = Path(__file__).parent / "slice.csv"
TEMPLATE = "client_external_id,first_name,last_name,email,mobile_phone,notes,status,pet_name,breed"


def upload(site: Site, text: str, *, dry_run: bool = False) -> Import:
    """Staged and, if nothing is asked, applied to the end."""
    with site.writing() as session:
        file = io.BytesIO(text.encode())
        row = staging.stage(session, file, file_name="list.csv", dry_run=dry_run, by=SYSTEM)
    apply(site)
    return again(site, row)


@contextlib.contextmanager
def looking(site: Site) -> Iterator[Session]:
    """What was found stays readable when the transaction is over."""
    with site.reading() as session:
        yield session
        session.expunge_all()


def apply(site: Site) -> int:
    """As the worker does: a transaction a chunk, for any business. Returns how many."""
    chunks = 0
    while True:
        with site.database.writing() as session:
            if applying.apply_next_chunk(session) is None:
                return chunks
        chunks += 1


def again(site: Site, row: Import) -> Import:
    with looking(site) as session:
        return imports.find(session, row.id)


def counts(site: Site, row: Import) -> dict[str, int]:
    with site.reading() as session:
        found = imports.counts(session, row.id)
    return {verdict.value: number for verdict, number in found.items() if number}


def rows(site: Site, row: Import) -> list[ImportRow]:
    with looking(site) as session:
        return imports.report(session, row.id)


def codes(site: Site, row: Import) -> list[list[str]]:
    return [[problem["code"] for problem in each.problems] for each in rows(site, row)]


def people(site: Site, q: str = "") -> list[Client]:
    with looking(site) as session:
        return queries.search(session, ClientFilter(q=q), limit=10_000)


def pets(session: Session, client: Client) -> list[str]:
    return [pet.name for pet in queries.pets_of(session, [client.id])[client.id]]


def listed(*lines: str) -> str:
    return "\n".join((TEMPLATE, *lines)) + "\n"


ANN = "7,Ann,Lee,ann@example.net,,,active,Rex,Lab"


def test_rows_of_one_person_make_one_client_with_several_pets(site: Site) -> None:
    row = upload(
        site,
        listed(
            ANN,
            "7,Ann,Lee,ann@example.net,,,active,Bella,",
            ",Cy,Doe,cy@example.net,,,active,Tom,",
            ",cy,doe,CY@example.net,,,active,Jerry,",
            "8,Cy,Doe,cy2@example.net,,,inactive,,",
        ),
    )
    assert (row.state, row.rows, row.people) == (ImportState.DONE, 5, 3)
    assert counts(site, row) == {"new": 3}
    with site.reading() as session:
        ann, cy = people(site, "ann lee")[0], people(site, "cy doe tom")[0]
        assert pets(session, ann) == ["Rex", "Bella"]
        assert pets(session, cy) == ["Tom", "Jerry"]
    assert people(site, "cy2")[0].status.value == "inactive"


def test_an_invalid_email_is_kept_as_typed_and_flagged(site: Site) -> None:
    upload(site, listed("9,Bad,Mail,bad at example,,,active,,"))
    client = people(site, "bad at example")[0]
    assert client.email == "bad at example"
    assert client.email_key is None


def test_a_wrong_row_is_reported_by_line_and_stops_nothing(site: Site) -> None:
    row = upload(site, listed(ANN, ",,,,,,active,Alone,", "too,few", "8,Bo,Ek,,,,maybe,,"))
    assert counts(site, row) == {"new": 1, "rejected": 3}
    assert [each.lines for each in rows(site, row)] == [[2], [3], [4], [5]]
    assert codes(site, row)[1:] == [["nobody"], ["too_few_cells"], ["unknown_word"]]


def test_passwords_and_cards_are_dropped_and_named(site: Site) -> None:
    text = "client_id,first_name,last_name,email,pets,password,Card Number\n"
    row = upload(site, text + "1,Ann,Lee,ann@example.net,,hunter2,4111111111111111\n")
    assert row.dropped_columns == ["password", "Card Number"]
    with looking(site) as session:
        kept = session.scalars(select(ImportRow)).all()
    assert not any("hunter2" in str((each.person, each.cells)) for each in kept)


def test_a_card_number_in_any_cell_is_taken_out_and_said(site: Site) -> None:
    text = "client_id,first_name,last_name,email,mobile_phone,notes\n"
    text += "4111111111111111,Ann,Lee,ann@example.net,4915112345671,by 4111 1111 1111 1111\n"
    row = upload(site, text)
    with looking(site) as session:
        (kept,) = session.scalars(select(ImportRow)).all()
    assert "4111 1111" not in str((kept.person, kept.cells))
    assert "card_number_not_accepted" in str(kept.problems)
    (ann,) = people(site, "ann@example.net")
    assert ann.notes == "by (card number taken out)"
    assert ann.external_id == "4111111111111111"
    assert ann.mobile_phone.endswith("15112345671")
    assert row.state.value == "done"


def test_the_same_list_again_changes_nothing(site: Site) -> None:
    text = SLICE.read_text()
    lines = len(list(csv.reader(io.StringIO(text)))) - 1
    first = upload(site, text)
    before = {one.id: (one.updated_at, one.email_version) for one in people(site)}
    second = upload(site, text)
    assert sum(counts(site, first).values()) == first.people
    assert first.rows == lines
    assert counts(site, second) == {
        "matched": second.people - counts(site, first).get("rejected", 0)
    }
    assert {one.id: (one.updated_at, one.email_version) for one in people(site)} == before


def test_people_without_an_address_are_recognised_in_the_same_list_again(site: Site) -> None:
    text = listed(",No,Mail,,555 1,,active,,", ",Yes,Post,,555 2,,active,,")
    assert counts(site, upload(site, text)) == {"new": 2}
    assert counts(site, upload(site, text)) == {"matched": 2}


def test_a_dry_run_says_the_same_and_writes_nothing(site: Site) -> None:
    upload(site, listed(ANN))
    text = listed(
        ANN.replace("Lab", "Lab").replace(",,,active", ",555 1,,active"), "8,Bo,Ek,,1,,active,,"
    )
    before = [(one.id, one.updated_at) for one in people(site)]
    tried = upload(site, text, dry_run=True)
    assert counts(site, tried) == {"updated": 1, "new": 1}
    assert [(one.id, one.updated_at) for one in people(site)] == before
    with site.writing() as session:
        staging.begin(session, imports.find(session, tried.id), by=SYSTEM)
    apply(site)
    assert counts(site, tried) == {"updated": 1, "new": 1}
    assert people(site, "bo ek")
    assert people(site, "ann")[0].mobile_phone == "555 1"


def test_gaps_are_filled_and_nothing_is_emptied(site: Site) -> None:
    upload(site, listed(ANN.replace(",,,active", ",555 1,hello,active")))
    row = upload(site, listed("7,Ann,,ann@example.net,,world,active,Rex,"))
    ann = people(site, "ann")[0]
    assert (ann.last_name, ann.mobile_phone, ann.notes) == ("Lee", "555 1", "hello\nworld")
    assert counts(site, row) == {"updated": 1}


def test_a_clients_own_number_brings_the_contact_up_to_date(site: Site) -> None:
    upload(site, listed(ANN))
    row = upload(site, listed("7,Anna,Lee,new@example.net,555 9,,inactive,Rex,Lab"))
    anna = people(site, "anna")[0]
    assert (anna.email_key, anna.email_version) == ("new@example.net", 2)
    assert anna.status.value == "inactive"
    assert counts(site, row) == {"updated": 1}


def test_recognised_by_name_and_email_only_fills_gaps(site: Site) -> None:
    upload(site, listed(",Ann,Lee,ann@example.net,555 1,,active,Rex,"))
    row = upload(site, listed("77,ann,LEE,Ann@Example.net,555 2,,active,Rex,Lab"))
    ann = people(site, "ann lee")[0]
    assert (ann.external_id, ann.mobile_phone, ann.first_name) == ("77", "555 1", "Ann")
    assert codes(site, row) == [["kept"]]


def test_two_different_numbers_are_two_clients_whatever_else_is_equal(site: Site) -> None:
    upload(site, listed(ANN))
    row = upload(site, listed(ANN.replace("7,", "8,", 1)))
    assert (counts(site, row), codes(site, row)) == ({"review": 1}, [["looks_like"]])
    assert len(people(site, "ann lee")) == 2


def test_a_number_that_belongs_to_somebody_else_here_changes_nobody(site: Site) -> None:
    upload(site, listed(ANN))
    row = upload(site, listed("7,Bob,Ray,bob@example.net,,,active,,"))
    assert (counts(site, row), codes(site, row)) == ({"rejected": 1}, [["somebody_else"]])
    assert people(site, "ann")[0].email == "ann@example.net"


def test_the_address_of_a_client_with_a_login_is_never_changed(site: Site, world: World) -> None:
    with site.writing() as session:
        jo = queries.find(session, world.jo.id)
        clients.change_client(session, jo, {"external_id": "J1"}, by=SYSTEM)
    row = upload(site, listed("J1,Jo,Bright,evil@example.net,555 3,,inactive,,"))
    jo = people(site, "jo bright")[0]
    assert (jo.email, jo.mobile_phone, jo.status.value) == (world.jo.email, "555 3", "active")
    assert codes(site, row) == [["has_login", "kept"]]


def test_an_inactive_client_is_not_made_active_by_a_list(site: Site) -> None:
    upload(site, listed(ANN.replace("active", "inactive")))
    row = upload(site, listed(ANN))
    assert people(site, "ann")[0].status.value == "inactive"
    assert (counts(site, row), codes(site, row)) == ({"matched": 1}, [["kept"]])


def test_a_pet_that_was_put_away_stays_away(site: Site) -> None:
    upload(site, listed(ANN))
    with site.writing() as session:
        ann = queries.search(session, ClientFilter(q="ann lee"))[0]
        clients.archive_pet(session, ann, queries.pets_of(session, [ann.id])[ann.id][0], by=SYSTEM)
    assert counts(site, upload(site, listed(ANN))) == {"matched": 1}


def test_a_killed_worker_loses_and_repeats_nobody(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "CHUNK", 50)
    with site.writing() as session, SLICE.open("rb") as file:
        row = staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM)
    for _ in range(3):
        with site.database.writing() as session:
            applying.apply_next_chunk(session)
            session.rollback()  # as after SIGKILL: this chunk was not committed
        with site.database.writing() as session:
            applying.apply_next_chunk(session)
    apply(site)
    found = again(site, row)
    assert found.done == found.people
    assert counts(site, row)["new"] == len(people(site)) - 4


def test_a_row_the_database_refuses_stops_no_other(site: Site) -> None:
    with site.writing() as session:
        file = io.BytesIO(listed(ANN, "8,Bo,Ek,,1,,active,,", "9,Al,Em,,2,,active,,").encode())
        row = staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM)
        broken: dict[str, Any] = {"line": 3, "first_name": None}
        session.execute(update(ImportRow).where(ImportRow.number == 2).values(person=broken))
    apply(site)
    assert counts(site, row)["new"] == 2
    assert again(site, row).state is ImportState.DONE


def test_imports_of_one_business_go_one_after_another(site: Site, world: World) -> None:
    made = []
    for salon in (world.salon, world.salon, world.kennels):
        with site.writing(salon) as session:
            file = io.BytesIO(listed(ANN).encode())
            made.append(staging.stage(session, file, file_name="a", dry_run=False, by=SYSTEM))
    assert apply(site) == 3
    assert [counts(site, row) for row in made[:2]] == [{"new": 1}, {"matched": 1}]
    with site.reading(world.kennels) as session:
        assert imports.counts(session, made[2].id)[Verdict.NEW] == 1
        assert len(queries.search(session, ClientFilter(q="ann lee"))) == 1


def test_unknown_columns_are_mapped_without_a_second_upload(site: Site) -> None:
    text = "Nr;Vorname;Nachname;Post;Hund\n1;Eva;Ost;eva@example.net;Fips\n2;Tim\n3;Al;Ek;;Bo\n"
    row = upload(site, text, dry_run=True)
    assert row.state is ImportState.NEEDS_MAPPING
    with site.writing() as session:
        found = imports.find(session, row.id)
        assert imports.samples(session, row.id)[0] == ["1", "Eva", "Ost", "eva@example.net", "Fips"]
        with pytest.raises(UnusableMapping):
            staging.map_columns(session, found, {"Nr": "external_id"}, by=SYSTEM)
        with pytest.raises(UnusableMapping):
            staging.map_columns(session, found, {"Nope": "email"}, by=SYSTEM)
        with pytest.raises(NotNow):
            staging.begin(session, found, by=SYSTEM)
        staging.map_columns(
            session, found, {"Vorname": "first_name", "Nachname": "email"}, by=SYSTEM
        )
    apply(site)
    assert counts(site, row) == {"new": 2, "rejected": 1}
    with site.writing() as session:
        found = imports.find(session, row.id)
        mapping = {"Nr": "external_id", "Vorname": "first_name", "Nachname": "last_name"}
        mapping |= {"Post": "email", "Hund": "pet_name"}
        staging.map_columns(session, found, mapping, by=SYSTEM)
    apply(site)
    with site.writing() as session:
        staging.begin(session, imports.find(session, row.id), by=SYSTEM)
    apply(site)
    assert counts(site, row) == {"new": 2, "rejected": 1}
    assert people(site, "eva fips")[0].external_id == "1"


def test_a_file_that_cant_be_read_is_refused_whole(site: Site) -> None:
    for text, code in (("", "empty_file"), ('a,"b\n1,2\n', "unclosed_quote")):
        with site.writing() as session:
            with pytest.raises(UnreadableFile) as refused:
                staging.stage(
                    session, io.BytesIO(text.encode()), file_name="a", dry_run=True, by=SYSTEM
                )
            session.rollback()
        assert refused.value.code == code


def test_a_list_of_which_nothing_can_be_used_fails(site: Site) -> None:
    row = upload(site, listed(",,,,,,active,Alone,"))
    assert row.state is ImportState.FAILED
    assert row.reason


def test_nobody_sees_another_businesss_import(site: Site, world: World) -> None:
    row = upload(site, listed(ANN))
    with site.reading(world.kennels) as session:
        with pytest.raises(NotFound):
            imports.find(session, row.id)
        assert imports.report(session, row.id) == []
