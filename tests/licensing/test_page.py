"""The page on which an owner sees the computers, names them and takes their seats away."""

from tests.front_door import Api
from tests.licensing.programs import registered, renewed
from tests.pages import Pages
from tests.site import Site
from workers.jobs import send_temporary_numbers

PAGE = "/manage/happy-paws/registration"


def test_an_owner_sees_names_and_frees_the_seats(api: Api, pages: Pages, site: Site) -> None:
    page = pages.owner.get(PAGE)
    assert page.says("No computer is registered yet")
    send_temporary_numbers(site.database)
    assert pages.owner.get(PAGE).says("This month’s number")
    front, van = registered(api), registered(api, "in-the-van", machine_name="Van")
    page = pages.owner.get(PAGE)
    assert page.says("2 of 3")
    assert page.says(front["serial_number"])
    assert page.says("booking register --server http://localhost:8000")

    page = page.submit(f"{front['id']}/name", name="")
    assert page.status == 422
    assert page.says("Type a name.")
    page = page.submit(f"{front['id']}/name", name="Reception <b>")
    assert page.says("Reception <b>")
    page = page.submit(f"{front['id']}/release")
    assert page.says("1 of 3")
    page = page.submit(f"{van['id']}/revoke")
    assert page.says("Van: revoked just now")
    assert [renewed(api, each).json()["code"] for each in (front, van)] == ["released", "revoked"]
    assert pages.owner.get("/manage/happy-paws/audit?kind=registration").says("Computer renamed")
    assert pages.manager.get(PAGE).status == 403
    assert pages.visitor().get(PAGE).path.startswith("/manage/sign-in")
