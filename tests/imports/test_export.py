"""The client list leaves as a file, and comes back into an empty business as it was."""

import csv
import io
from typing import Any

import pytest

from booking.audit.actions import SYSTEM
from booking.clients import queries
from booking.clients.models import Client
from booking.clients.queries import ClientFilter
from booking.clients.rules import ClientDetails, PetDetails
from booking.database import Database, set_business
from booking.imports.actions import staging
from booking.imports.models import ImportState
from tests import make
from tests.front_door import Api, fields_of, problem_of
from tests.imports.test_apply import apply
from tests.pages import Pages
from tests.site import Site

EXPORT = "/businesses/{b}/clients/export"


def list_of(database: Database, business_id: Any) -> list[tuple[dict[str, Any], list[Any]]]:
    with database.reading() as session:
        set_business(session, business_id)
        found = queries.search(session, ClientFilter(), limit=1000)
        pets = queries.pets_of(session, [client.id for client in found])
        return [
            (values(client, ClientDetails), [values(pet, PetDetails) for pet in pets[client.id]])
            for client in found
        ]


def values(record: Any, kind: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in kind.model_fields}


def awkward(site: Site) -> None:
    with site.writing() as session:
        client: Client = make.client(
            session,
            first_name="=cmd()",
            last_name='-O\'Hara, "Jo"',
            email="jo at home",
            mobile_phone="+44 7700 900100",
            notes="One\n\n  two;  with\\nspaces",
            external_id="007",
            sms_ok=False,
        )
        rabies = {"name": "Rabies", "expires_on": "2027-05-01"}
        vaccinations = [rabies, {"name": "@Lepto", "given_on": "2026-01-01"}]
        make.pet(session, client, name="Rex", weight="about 12", vaccinations=vaccinations)
        make.pet(session, client, name="Rex", sex="unsure", behaviour_notes="a\nb")


@pytest.mark.parametrize("kind", ["csv", "json", "vcard"])
def test_the_list_comes_back_as_it_left(
    api: Api, site: Site, database: Database, kind: str
) -> None:
    awkward(site)
    answer = api.staff.get(EXPORT, params={"format": kind})
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    with database.writing() as session:
        empty = make.business(session).id
        set_business(session, empty)
        row = staging.stage(
            session, io.BytesIO(answer.content), file_name="x", dry_run=False, by=SYSTEM
        )
        assert row.state is ImportState.QUEUED
    apply(site)
    assert list_of(database, empty) == list_of(database, site.world.salon.id)


def test_no_cell_of_the_export_is_a_formula(api: Api, site: Site) -> None:
    awkward(site)
    text = api.staff.get(EXPORT).content.decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert "'=cmd()" in cells


def test_a_client_put_away_by_the_filter_is_left_out(api: Api, site: Site) -> None:
    awkward(site)
    only = api.staff.get(EXPORT, params={"format": "json", "q": "=cmd"}).json()["clients"]
    assert [client["first_name"] for client in only] == ["=cmd()"]
    none = api.staff.get(EXPORT, params={"format": "json", "status": "inactive"}).json()
    assert "=cmd()" not in [client.get("first_name") for client in none["clients"]]


def test_only_staff_of_this_business_export(api: Api) -> None:
    assert problem_of(api.client.get(EXPORT), 403)
    assert problem_of(api.outsider.get(EXPORT), 404)
    assert problem_of(api.visitor.get(EXPORT), 401)
    assert "format" in fields_of(api.staff.get(EXPORT, params={"format": "pdf"}))


def test_an_owner_downloads_the_list_on_the_page(pages: Pages) -> None:
    page = pages.owner.get("/manage/happy-paws/clients/export?format=vcard")
    assert page.response.headers["content-type"].startswith("text/vcard")
    assert page.response.text.startswith("BEGIN:VCARD\r\nVERSION:4.0\r\n")
    assert pages.outsider.get("/manage/happy-paws/clients/export").status == 404
