import uuid

import pytest

from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.pages import Pages
from tests.site import Site
from tests.world import World

PATH = "/businesses/{b}/appointments"
HOME = "/manage/happy-paws/appointments"


def test_the_diary_is_of_these_days_and_these_staff(api: Api, world: World) -> None:
    def ids(**asked: str) -> set[str]:
        return {item["id"] for item in api.staff.get(PATH, params=asked).json()["items"]}

    coming, past = str(world.jo.visit), str(world.jo.past_visit_id)
    assert ids() == {coming, past}
    assert ids(**{"from": "2027-03-03", "to": "2027-03-03"}) == {coming}
    assert ids(**{"from": "2027-03-04"}) == set()
    assert ids(to="2027-03-02") == {past}
    assert ids(**{"from": "2027-03-03T15:30:00Z"}) == {coming}, "it goes on at half past ten"
    assert ids(staff=str(world.salon.ben)) == set()
    assert ids(state="cancelled") == set()
    assert ids(state="confirmed") == {coming, past}


@pytest.mark.parametrize("edge", ["soon", "2027-02-30", "2027-03-01T10:00:00", "9999-12-31"])
def test_an_edge_that_is_no_time_is_refused(api: Api, edge: str) -> None:
    assert fields_of(api.staff.get(PATH, params={"to": edge})) == {"to": "invalid"}


def test_the_diary_is_for_staff_alone(api: Api) -> None:
    assert problem_of(api.visitor.get(PATH), 401)
    assert problem_of(api.client.get(PATH), 403)
    assert problem_of(api.outsider.get(PATH), 404)


def test_a_day_and_a_week_are_shown(pages: Pages, world: World) -> None:
    day = pages.staff.get(f"{HOME}?date=2027-03-03")
    assert (day.status, day.says("Jo Bright"), day.says("10:00 am")) == (200, True, True)
    assert not pages.staff.get(f"{HOME}?date=2027-03-04").says("Jo Bright")
    week = pages.staff.get(f"{HOME}?view=week&date=2027-03-05")
    assert week.says("1 Mar – 7 Mar 2027")
    assert week.says("Jo Bright")
    assert not pages.staff.get(f"{HOME}?date=2027-03-03&staff={world.salon.ben}").says("Jo Bright")
    assert pages.staff.get(f"{HOME}?date=nonsense&staff=x&view=y").status == 200


def test_a_visit_is_cancelled_on_its_page(pages: Pages, world: World, mailbox: Mailbox) -> None:
    page = pages.staff.get(f"{HOME}/{world.jo.visit}")
    done = page.submit("/cancel", reason="Ana is ill.")
    assert done.says("Cancelled. The client is told by e-mail.")
    assert "Ana is ill." in mailbox.latest(world.jo.email).text
    assert not done.says("Move to another time")


def test_a_request_is_confirmed_on_its_page(
    api: Api, pages: Pages, world: World, site: Site
) -> None:
    site.prefer("staff_and_confirmation", confirmation_mode="approve")
    body = {
        "service_id": str(world.salon.grooming),
        "starts_at": "2027-03-04T10:00:00-05:00",
        "client": {"first_name": "Gus", "email": "gus@example.com"},
    }
    booked = api.visitor.post(PATH, json=body).json()
    today = pages.staff.get("/manage/happy-paws")
    assert today.says("Waiting for your decision")
    done = pages.staff.get(f"{HOME}/{booked['id']}").submit("/confirm")
    assert done.says("Confirmed")
    assert not pages.staff.get("/manage/happy-paws").says("Waiting for your decision")


def test_a_visit_is_moved_to_a_typed_time(pages: Pages, world: World) -> None:
    page = pages.staff.get(f"{HOME}/{world.jo.visit}/move?date=2027-03-05")
    bad = page.submit("day", button="yes", day="2027-03-05", time="")
    assert bad.status == 422
    assert bad.says("Choose a day and a time.")
    done = page.submit("day", button="yes", day="2027-03-06", time="18:20")
    assert done.says("Sat 6 Mar 2027, 6:20 pm")


def test_a_visit_is_booked_at_the_counter(pages: Pages, world: World, mailbox: Mailbox) -> None:
    who = pages.staff.get(f"{HOME}/new").submit("q", q="Kim")
    when = who.follow("Kim Cold").submit(
        "service", service=str(world.salon.grooming), staff=str(world.salon.ben)
    )
    assert when.says("Question 3 of 3")
    day = pages.staff.get(f"{when.path}&date=2027-03-05")
    done = day.submit("/new", start="2027-03-05T15:00:00+00:00", note="By the back door")
    assert done.says("Booked. The client is told by e-mail.")
    assert done.says("Fluffy")
    assert done.says("By the back door")
    assert mailbox.latest(world.kim.email).attachments
    taken = day.submit("/new", start="2027-03-05T15:00:00+00:00")
    assert taken.status == 409
    assert taken.says("This time is no longer free")


def test_staff_say_whose_visit_a_guest_s_is(api: Api, pages: Pages, world: World) -> None:
    body = {
        "service_id": str(world.salon.grooming),
        "starts_at": "2027-03-04T10:00:00-05:00",
        "client": {"first_name": "K", "email": world.kim.email},
    }
    booked = api.visitor.post(PATH, json=body).json()
    assert pages.staff.get("/manage/happy-paws").says("Whose visits are these?")
    done = pages.staff.get(f"{HOME}/{booked['id']}").submit("/link")
    assert done.says("The visit now belongs to that client.")
    assert done.says("Open the client")


def test_a_stranger_finds_no_diary(pages: Pages, world: World) -> None:
    assert pages.outsider.get(HOME).status == 404
    assert pages.visitor().get(HOME).path.startswith("/manage/sign-in")
    for path in ("", "/move"):
        assert pages.staff.get(f"{HOME}/{world.max.visit}{path}").status == 404
        assert pages.staff.get(f"{HOME}/{uuid.uuid4()}{path}").status == 404
