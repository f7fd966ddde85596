"""Who did what to which record, for those who may know."""

import csv
import io

from tests.front_door import Api, fields_of, problem_of
from tests.pages import Pages
from tests.world import World

AUDIT = "/businesses/{b}/audit"


def test_what_was_done_is_listed_latest_first_and_filtered(api: Api, world: World) -> None:
    api.staff.patch(f"/businesses/{{b}}/clients/{world.kim.id}", json={"notes": "x"})
    api.manager.post("/businesses/{b}/clients", json={"first_name": "=1+1"})
    items = api.owner.get(AUDIT, params={"action": "client.", "limit": 2}).json()["items"]
    assert [(one["action"], one["actor_name"]) for one in items] == [
        ("client.created", "Mark Manager"),
        ("client.changed", "Stella Staff"),
    ]
    assert items[1]["record_id"] == str(world.kim.id)
    assert items[1]["details"] == {"fields": ["notes"]}
    one = api.owner.get(AUDIT, params={"record_id": str(world.kim.id)}).json()["items"]
    assert {entry["record_id"] for entry in one} == {str(world.kim.id)}
    assert api.owner.get(AUDIT, params={"until": "2020-01-01T00:00:00Z"}).json()["items"] == []


def test_pages_of_the_log_have_no_gap(api: Api) -> None:
    whole = [one["id"] for one in api.owner.get(AUDIT, params={"limit": 200}).json()["items"]]
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = api.owner.get(AUDIT, params=params).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == whole
    assert set(fields_of(api.owner.get(AUDIT, params={"cursor": "WyJ4Il0"}))) == {"cursor"}


def test_the_log_is_for_owners_and_managers_of_this_business(api: Api, world: World) -> None:
    assert api.manager.get(AUDIT).status_code == 200
    assert problem_of(api.staff.get(AUDIT), 403)
    assert problem_of(api.client.get(AUDIT), 403)
    assert problem_of(api.outsider.get(AUDIT), 404)
    assert problem_of(api.visitor.get(AUDIT), 401)
    theirs = api.outsider.at(world.kennels.slug).get(AUDIT, params={"limit": 200}).json()["items"]
    ours = api.owner.get(AUDIT, params={"limit": 200}).json()["items"]
    assert not {one["id"] for one in theirs} & {one["id"] for one in ours}


def test_the_export_holds_no_formula(api: Api) -> None:
    name = "=HYPERLINK(1)"
    made = api.owner.post("/businesses/{b}/clients", json={"first_name": "A"}).json()
    api.owner.post(f"/businesses/{{b}}/clients/{made['id']}/pets", json={"name": name})
    answer = api.owner.get("/businesses/{b}/audit.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][0] == "at"
    assert len(rows) > 10
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_the_page_shows_filters_and_exports(pages: Pages, api: Api, world: World) -> None:
    api.staff.patch(f"/businesses/{{b}}/clients/{world.kim.id}", json={"notes": "x"})
    page = pages.owner.get("/manage/happy-paws/audit")
    assert page.says("Client changed")
    assert page.says("Stella Staff")
    assert page.says("Fields: notes")
    found = page.submit("kind", kind="service")
    assert not found.says("Client changed")
    assert page.submit("since", since="2027-03-01", until="2027-03-01").says("Client changed")
    assert page.submit("since", since="1999-01-01", until="1999-02-01").says("Nothing here")
    assert pages.owner.get("/manage/happy-paws/audit?before=x&since=y&kind=%00").status == 200
    assert pages.owner.get("/manage/happy-paws/audit.csv?kind=client").html.startswith("\ufeffat,")
    assert pages.staff.get("/manage/happy-paws/audit").status == 403
    assert pages.outsider.get("/manage/happy-paws/audit").status == 404
