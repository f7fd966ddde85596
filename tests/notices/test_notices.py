"""Posting notices and wanting to be told of them, over the API; with the clock moved."""

import re
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from booking.database import Database
from tests.front_door import Api, ApiCaller, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.times import Clock
from workers import jobs

INCIDENT: dict[str, Any] = {
    "kind": "incident",
    "severity": "degraded",
    "title": "Booking is slow",
    "text": "Pages take long. We are looking into it.",
    "components": ["online_booking"],
    "next_update_at": "2027-03-01T16:00:00Z",
}
MAINTENANCE: dict[str, Any] = {
    "kind": "maintenance",
    "severity": "outage",
    "title": "Moving to bigger machines",
    "text": "On Saturday night we move.",
    "components": ["messaging", "online_booking"],
    "starts_at": "2027-03-06T22:00:00-05:00",
    "ends_at": "2027-03-07T02:00:00-05:00",
}
LISTENER = "lis@example.com"
NUMBER = "+16175550123"


def posted(api: Api, body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    answer = api.operator.post("/operator/notices", json={**body, **changed})
    assert answer.status_code == 201, answer.text
    notice: dict[str, Any] = answer.json()
    return notice


def states(api: Api, at: str = "") -> dict[str, str]:
    params = {"at": at} if at else {}
    items = api.visitor.get("/notices", params=params).json()["items"]
    return {each["title"]: each["state"] for each in items}


def subscribed(api: Api, mailbox: Mailbox, *components: str, email: str = LISTENER) -> None:
    body = {"email": email, "components": components}
    assert api.visitor.post("/notices/subscriptions", json=body).status_code == 202
    token = mailbox.latest(email).link("/status/confirm/").rpartition("/")[2]
    answer = api.visitor.post("/notices/subscriptions/confirm", json={"token": token})
    assert answer.status_code == 200, answer.text


def openings(mailbox: Mailbox, address: str = LISTENER) -> list[str]:
    """What was told: the word each subject begins with."""
    mailbox.tell()
    return [each.subject.partition(":")[0] for each in mailbox.to(address)[1:]]


def test_a_notice_comes_and_leaves_by_itself(api: Api, clock: Clock) -> None:
    first = posted(api, INCIDENT)
    planned = posted(api, MAINTENANCE)
    assert (first["state"], planned["state"]) == ("in_force", "planned")
    assert first["next_update_at"] == "2027-03-01T16:00:00Z"
    assert first["ends_at"] is None
    assert first["url"].endswith(f"/status/{first['id']}")
    assert states(api, at="2027-03-07T03:30:00Z") == {
        "Moving to bigger machines": "in_force",
        "Booking is slow": "lapsed",
    }
    clock.move(hours=2, minutes=1)
    assert states(api)["Booking is slow"] == "lapsed"
    clock.move(days=7)
    assert states(api)["Moving to bigger machines"] == "ended"
    clock.move(days=90)
    assert states(api) == {}


def test_updates_form_a_timeline_and_a_resolved_notice_says_so(api: Api, clock: Clock) -> None:
    notice = posted(api, INCIDENT)
    path = f"/operator/notices/{notice['id']}"
    clock.move(minutes=30)
    line = {"text": "A database is busy.", "next_update_at": "2027-03-01T18:00:00Z"}
    assert api.operator.post(f"{path}/updates", json=line).json()["updates"][0]["text"] == (
        "A database is busy."
    )
    clock.move(minutes=30)
    resolving = {"text": "Quick again.", "resolved": True}
    done = api.operator.post(f"{path}/updates", json=resolving).json()
    assert done["state"] == "resolved"
    assert done["over_at"] == done["resolved_at"]
    assert [each["resolved"] for each in done["updates"]] == [False, True]
    for answer in (
        api.operator.post(f"{path}/updates", json={"text": "More"}),
        api.operator.patch(path, json={"title": "Other"}),
    ):
        assert problem_of(answer, 409)["code"] == "notice_over"
    assert states(api, at="2027-03-01T14:45:00Z") == {"Booking is slow": "in_force"}


def test_new_times_are_a_line_of_the_timeline(api: Api) -> None:
    notice = posted(api, MAINTENANCE)
    body = {"next_update_at": "2027-03-07T08:00:00Z", "title": "Moving house"}
    changed = api.operator.patch(f"/operator/notices/{notice['id']}", json=body).json()
    assert (changed["title"], changed["ends_at"]) == ("Moving house", None)
    assert changed["next_update_at"] == "2027-03-07T08:00:00Z"
    assert changed["updates"][0]["text"].startswith("New times: Sun 7 Mar 2027, 3:00 am")
    only_words = api.operator.patch(f"/operator/notices/{notice['id']}", json={"text": "Soon."})
    assert len(only_words.json()["updates"]) == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"next_update_at": None}, "ends_at"),
        ({"ends_at": "2027-03-01T18:00:00Z"}, "next_update_at"),
        ({"next_update_at": "2027-03-01T13:00:00Z"}, "next_update_at"),
        ({"next_update_at": "2027-09-01T13:00:00Z"}, "next_update_at"),
        ({"components": ["nothing"]}, "components"),
        ({"components": []}, "components"),
        ({"read_only": True}, "read_only"),
        ({"starts_at": "2027-03-01T10:00:00"}, "starts_at"),
    ],
    ids=["no end", "two ends", "over", "too long", "unknown", "none", "read-only", "no zone"],
)
def test_what_no_notice_can_be(api: Api, changed: dict[str, Any], field: str) -> None:
    answer = api.operator.post("/operator/notices", json={**INCIDENT, **changed})
    assert field in fields_of(answer)
    assert states(api) == {}


def test_only_operators_write_and_everybody_reads(api: Api) -> None:
    for caller in (api.owner, api.staff, api.client, api.outsider):
        answer = caller.post("/operator/notices", json=INCIDENT)
        assert problem_of(answer, 403)["code"] == "not_allowed"
    posted(api, INCIDENT)
    posted(api, MAINTENANCE)
    page = api.visitor.get("/notices", params={"limit": 1}).json()
    rest = api.visitor.get("/notices", params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert [each["title"] for each in page["items"] + rest["items"]] == [
        "Moving to bigger machines",
        "Booking is slow",
    ]
    assert rest["next_cursor"] is None
    keys = [each["key"] for each in api.visitor.get("/notices/components").json()["items"]]
    assert keys[0] == "online_booking"
    assert len(keys) == 9
    feed = api.visitor.get("/notices.atom")
    assert feed.headers["content-type"].startswith("application/atom+xml")
    atom = "{http://www.w3.org/2005/Atom}"
    entries = Xml.fromstring(feed.content).findall(f"{atom}entry")
    assert [each.findtext(f"{atom}title") for each in entries] == [
        "Moving to bigger machines (planned)",
        "Booking is slow (in force)",
    ]


def test_components_are_the_operators(api: Api) -> None:
    body = {"name": "Kiosk screens", "outside_url": "https://status.example.com"}
    assert api.operator.post("/operator/components", json=body).json()["key"] == "kiosk_screens"
    assert fields_of(api.operator.post("/operator/components", json=body)) == {"name": "taken"}
    bad = {"name": "Kiosks", "outside_url": "javascript:alert(1)"}
    assert "outside_url" in fields_of(api.operator.put("/operator/components/payroll", json=bad))
    api.operator.put("/operator/components/payroll", json={"name": "Wages"})
    names = [each["name"] for each in api.visitor.get("/notices/components").json()["items"]]
    assert "Wages" in names
    assert names[-1] == "Kiosk screens"


def test_each_thing_is_told_once_to_those_who_want_to_know(
    api: Api, mailbox: Mailbox, clock: Clock, database: Database
) -> None:
    subscribed(api, mailbox, "online_booking", "payroll")
    subscribed(api, mailbox, "payroll", email="other@example.com")
    posted(api, MAINTENANCE)
    told = openings(mailbox)
    assert told == ["Announced"]
    clock.set(clock.now().replace(day=5, hour=4, minute=1))
    assert openings(mailbox) == [*told, "In 48 hours"]
    clock.move(days=1, hours=22)
    assert openings(mailbox) == [*told, "In 48 hours", "In one hour"]
    clock.move(hours=1)
    for _ in "twice":
        jobs.tell_of_notices(database)
    assert openings(mailbox)[-1] == "Now"
    clock.move(hours=4)
    assert openings(mailbox)[3:] == ["Now", "Over"]
    assert openings(mailbox, "other@example.com") == []
    letter = mailbox.to(LISTENER)[1]
    assert "Sun 7 Mar 2027, 3:00 am – 7:00 am UTC" in letter.text
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_after_an_outage_of_ours_only_what_still_makes_sense_is_told(
    api: Api, mailbox: Mailbox, clock: Clock
) -> None:
    subscribed(api, mailbox, "messaging")
    posted(api, MAINTENANCE)
    clock.move(days=8)
    assert openings(mailbox) == ["Over"]


def test_an_update_and_a_resolution_are_told_with_their_words(
    api: Api, mailbox: Mailbox, clock: Clock
) -> None:
    subscribed(api, mailbox, "online_booking")
    path = f"/operator/notices/{posted(api, INCIDENT)['id']}/updates"
    assert openings(mailbox) == ["Now"]
    clock.move(minutes=5)
    api.operator.post(path, json={"text": "Half of it works."})
    assert openings(mailbox) == ["Now", "Update"]
    assert "Half of it works." in mailbox.latest(LISTENER).text
    clock.move(minutes=5)
    api.operator.post(path, json={"text": "All of it works.", "resolved": True})
    assert openings(mailbox) == ["Now", "Update", "Resolved"]
    assert "All of it works." in mailbox.latest(LISTENER).text
    clock.move(days=2)
    assert len(openings(mailbox)) == 3


def test_nobody_is_told_before_they_agreed_and_one_press_stops_it(
    api: Api, mailbox: Mailbox, clock: Clock
) -> None:
    body = {"email": LISTENER, "components": ["online_booking"]}
    known = api.visitor.post("/notices/subscriptions", json=body)
    posted(api, INCIDENT)
    assert openings(mailbox) == []
    stale = mailbox.latest(LISTENER).link("/status/confirm/").rpartition("/")[2]
    clock.move(hours=25)
    jobs.tidy(mailbox.database)
    answer = api.visitor.post("/notices/subscriptions/confirm", json={"token": stale})
    assert problem_of(answer, 410)["code"] == "expired"
    subscribed(api, mailbox, "online_booking")
    again = api.visitor.post("/notices/subscriptions", json=body)
    assert (known.status_code, known.json()) == (again.status_code, again.json())
    posted(api, INCIDENT, next_update_at="2027-03-02T20:00:00Z", title="Again")
    mailbox.tell()
    stop = mailbox.latest(LISTENER).link("/u/n/")
    for _ in "twice":
        token = {"token": stop.rpartition("/")[2]}
        answer = api.visitor.post("/notices/subscriptions/unsubscribe", json=token)
        assert answer.status_code == 204
    wrong = {"token": stale}
    gone = api.visitor.post("/notices/subscriptions/unsubscribe", json=wrong)
    assert problem_of(gone, 404)["code"] == "not_found"
    count = len(mailbox.to(LISTENER))
    clock.move(days=1)
    mailbox.tell()
    assert len(mailbox.to(LISTENER)) == count


def test_the_newer_choice_takes_the_place_of_the_older(api: Api, mailbox: Mailbox) -> None:
    subscribed(api, mailbox, "online_booking", "messaging")
    subscribed(api, mailbox, "payroll")
    posted(api, INCIDENT)
    mailbox.tell()
    assert len(mailbox.to(LISTENER)) == 2, "the two confirmations and nothing else"


def test_by_text_the_same(api: Api, mailbox: Mailbox, clock: Clock) -> None:
    body = {"phone": "+1 (617) 555-0123", "components": ["online_booking"]}
    assert api.visitor.post("/notices/subscriptions", json=body).status_code == 202
    ((to, words),) = mailbox.texts()
    assert to == NUMBER
    confirm = _token(words, "/status/confirm/")
    api.visitor.post("/notices/subscriptions/confirm", json={"token": confirm})
    posted(api, INCIDENT)
    mailbox.tell()
    _, words = mailbox.texts()[-1]
    assert re.search(r"Now: Booking is slow\. Mon 1 Mar 2027, \S+ pm – 4:00 pm UTC\.", words)
    stop = _token(words, "/u/n/")
    api.visitor.post("/notices/subscriptions/unsubscribe", json={"token": stop})
    clock.move(days=1)
    mailbox.tell()
    assert len(mailbox.texts()) == 2


def _token(words: str, path: str) -> str:
    found = re.search(re.escape(path) + r"(\S+)", words)
    assert found, words
    return found[1]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"components": ["messaging"]}, "email"),
        ({"email": "a@example.com", "phone": NUMBER, "components": ["messaging"]}, "email"),
        ({"email": "nobody", "components": ["messaging"]}, "email"),
        ({"phone": "617 555 0123", "components": ["messaging"]}, "phone"),
        ({"email": "a@example.com", "components": ["nothing"]}, "components"),
    ],
    ids=["none", "both", "no address", "no country", "unknown"],
)
def test_what_nobody_can_subscribe_to(api: Api, body: dict[str, Any], field: str) -> None:
    assert field in fields_of(api.visitor.post("/notices/subscriptions", json=body))


def test_strangers_fill_neither_a_mailbox_nor_our_bill(api: Api) -> None:
    def asked(caller: ApiCaller, **address: str) -> list[int]:
        body = {**address, "components": ["messaging"]}
        path = "/notices/subscriptions"
        return [caller.post(path, json=body).status_code for _ in range(8)]

    assert asked(api.visitor, email="victim@example.com").count(202) == 6
    assert asked(api.visitor, phone=NUMBER).count(202) == 3
