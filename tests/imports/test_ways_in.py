"""Importing through the API and the pages."""

import csv
import io
from typing import Any

import pytest

from tests.front_door import Api, fields_of, problem_of
from tests.imports.test_apply import ANN, apply, listed
from tests.pages import Pages
from tests.site import Site
from tests.world import World
from workers import jobs

IMPORTS = "/businesses/{b}/imports"


def sent(text: str, name: str = "list.csv") -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, text.encode(), "text/csv")}


def columns(*fields: str) -> dict[str, Any]:
    """What is chosen for each column on the mapping screen."""
    return {f"column-{place}": field for place, field in enumerate(fields)}


def test_a_list_is_uploaded_and_reported(api: Api, site: Site) -> None:
    text = listed(ANN, "8,=cmd(),Ek,,1,,active,,", "too,few")
    answer = api.staff.post(IMPORTS, files=sent(text))
    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    path = f"{IMPORTS}/{answer.json()['id']}"
    apply(site)
    done = api.staff.get(path).json()
    assert done["state"] == "done"
    assert done["format"] == "booking"
    assert [done[name] for name in ("rows", "new", "matched", "updated", "review", "rejected")] == [
        3, 2, 0, 0, 0, 1,
    ]  # fmt: skip
    assert [each["verdict"] for each in done["report"]] == ["new", "new", "rejected"]
    assert done["report"][2]["lines"] == [4]
    assert done["report"][2]["reasons"][0]["code"] == "too_few_cells"
    assert done["report_url"].endswith("/report.csv")
    report = api.staff.get(f"{path}/report.csv")
    rows = list(csv.reader(io.StringIO(report.content.decode("utf-8-sig"))))
    assert rows[2][2] == "'=cmd()"
    assert rows[3][:2] == ["4", "rejected"]


def test_a_dry_run_is_applied_when_told_to(api: Api, site: Site) -> None:
    answer = api.staff.post(IMPORTS, files=sent(listed(ANN)), params={"dry_run": "true"})
    path = f"{IMPORTS}/{answer.json()['id']}"
    apply(site)
    assert api.staff.get(path).json()["new"] == 1
    assert api.staff.get("/businesses/{b}/clients", params={"q": "ann lee"}).json()["items"] == []
    assert api.staff.post(f"{path}/apply").status_code == 202
    assert problem_of(api.staff.post(f"{path}/apply"), 409)["code"] == "not_now"
    apply(site)
    found = api.staff.get("/businesses/{b}/clients", params={"q": "ann lee"}).json()["items"]
    assert [one["external_id"] for one in found] == ["7"]
    undone = api.staff.post(f"{path}/undo")
    assert (undone.status_code, undone.json()["state"]) == (202, "undoing")
    assert problem_of(api.staff.post(f"{path}/undo"), 409)
    jobs.undo_due_imports(site.database)
    found = api.staff.get(path).json()
    counted = [found[name] for name in ("state", "removed", "restored", "spared")]
    assert counted == ["undone", 1, 0, 0]


def test_unknown_columns_wait_for_a_mapping(api: Api, site: Site) -> None:
    answer = api.staff.post(IMPORTS, files=sent("Vorname;Post\nEva;eva@example.net\n"))
    assert answer.json()["state"] == "needs_mapping"
    path = f"{IMPORTS}/{answer.json()['id']}"
    assert api.staff.get(path).json()["headers"] == ["Vorname", "Post"]
    wrong = api.staff.post(f"{path}/mapping", json={"mapping": {"Vorname": "nonsense"}})
    assert fields_of(wrong) == {"Vorname": "unknown_field"}
    mapping = {"Vorname": "first_name", "Post": "email"}
    assert api.staff.post(f"{path}/mapping", json={"mapping": mapping}).json()["state"] == "queued"
    apply(site)
    assert api.staff.get(path).json()["new"] == 1
    assert problem_of(api.staff.post(f"{path}/mapping", json={"mapping": mapping}), 409)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty_file"), (b"PK\x03\x04zip", "not_text"), (b"a,b\n", "no_rows")],
)
def test_a_file_that_cant_be_read_is_refused(api: Api, content: bytes, code: str) -> None:
    answer = api.staff.post(IMPORTS, files={"file": ("x\r\nname.csv", content, "text/csv")})
    assert problem_of(answer, 422)["code"] == code


def test_a_request_without_a_file_is_refused(api: Api) -> None:
    assert "file" in fields_of(api.staff.post(IMPORTS, data={"file": "no file"}))
    assert "file" in fields_of(api.staff.post(IMPORTS))


def test_nobody_else_sees_an_import(api: Api) -> None:
    answer = api.staff.post(IMPORTS, files=sent(listed(ANN)))
    path = f"{IMPORTS}/{answer.json()['id']}"
    for method, rest in (
        ("GET", ""),
        ("GET", "/report.csv"),
        ("POST", "/undo"),
        ("POST", "/apply"),
    ):
        assert problem_of(api.outsider.request(method, path + rest), 404)
        elsewhere = api.outsider.at("outsiders-kennels")
        assert problem_of(elsewhere.request(method, path + rest), 404)
        assert problem_of(api.client.request(method, path + rest), 403)
    assert problem_of(api.outsider.post(IMPORTS, files=sent(listed(ANN))), 404)


def test_the_same_key_uploads_once(api: Api) -> None:
    keyed = {"Idempotency-Key": "upload-1"}
    boundary = "x" * 20
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\n{listed(ANN)}\r\n--{boundary}--\r\n"
    ).encode()
    headers = {**keyed, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    first = api.staff.post(IMPORTS, content=body, headers=headers)
    second = api.staff.post(IMPORTS, content=body, headers=headers)
    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()


def test_an_owner_imports_a_list_by_the_pages(pages: Pages, site: Site) -> None:
    page = pages.owner.get("/manage/happy-paws/clients").follow("Import a list")
    assert page.submit("file").says("Choose a file first.")
    refused = page.submit("file", files=sent("", "empty.csv"))
    assert refused.status == 422
    assert refused.says("There is nothing in this file.")
    running = page.submit("file", files=sent(listed(ANN, "8,Bo,Ek,,1,,active,,", "too,few")))
    assert running.says("Looking at list.csv")
    apply(site)
    tried = pages.owner.get(running.path)
    assert tried.says("Nothing is written yet.")
    assert tried.says("1 × There are 2 cells for 9 columns.")
    assert tried.says("Import 2 clients")
    importing = tried.submit("apply")
    assert importing.says("Importing list.csv")
    partial = pages.owner.get(running.path, headers={"X-Partial": "1"})
    assert "<html" not in partial.html
    assert partial.says("0 of 3 done")
    apply(site)
    done = pages.owner.get(running.path)
    assert done.says("The list is imported")
    assert pages.owner.get(f"{running.path}?verdict=new").says("Ann Lee")
    undo = done.follow("Undo this import")
    assert undo.says("Clients are removed 2")
    undoing = undo.submit("undo")
    assert undoing.says("Undoing the import of list.csv")
    assert pages.owner.get(running.path, headers={"X-Partial": "1"}).says("0 of 2 done")
    jobs.undo_due_imports(site.database)
    undone = pages.owner.get(running.path)
    assert undone.says("This import was undone")
    assert undone.says("Clients were removed 2")
    assert pages.owner.get(f"{running.path}/undo").path == running.path


def test_an_owner_says_what_is_in_which_column(pages: Pages, site: Site) -> None:
    page = pages.owner.get("/manage/happy-paws/imports")
    mapping = page.submit("file", files=sent("Vorname;Post\nEva;eva@example.net\n", "k.csv"))
    assert mapping.says("What is in which column?")
    assert mapping.says("eva@example.net")
    wrong = mapping.submit("mapping", **columns("email", "email"))
    assert wrong.status == 422
    assert wrong.says("was already given to another column")
    nobody = mapping.submit("mapping", **columns("city", ""))
    assert nobody.says("Please say which column holds the name")
    running = nobody.submit("mapping", **columns("first_name", "email"))
    apply(site)
    again = pages.owner.get(running.path)
    assert again.says("Import 1 client")
    assert again.follow("Choose the columns again").says("What is in which column?")


def test_the_template_can_be_imported_as_it_is(pages: Pages, site: Site, api: Api) -> None:
    template = pages.owner.get("/manage/happy-paws/imports/template.csv")
    answer = api.staff.post(
        IMPORTS, files={"file": ("t.csv", template.response.content, "text/csv")}
    )
    apply(site)
    assert api.staff.get(f"{IMPORTS}/{answer.json()['id']}").json()["new"] == 1


def test_another_business_finds_no_import_page(pages: Pages, api: Api, world: World) -> None:
    made = api.staff.post(IMPORTS, files=sent(listed(ANN))).json()["id"]
    for path in (
        f"/manage/happy-paws/imports/{made}",
        f"/manage/{world.kennels.slug}/imports/{made}",
    ):
        assert pages.outsider.get(path).status == 404
