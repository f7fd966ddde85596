"""Pressing the envelope: who is asked, who not and why, once each, and holding it back."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from booking.audit.actions import SYSTEM
from booking.invitations.actions import sending
from booking.invitations.queries import REASONS
from booking.mail.actions import suppress
from booking.mail.models import SuppressionReason
from booking.mail.transports import Outcome, Stage
from tests import make
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.times import Clock
from tests.world import World

ALL = {"audience": "active_without_account"}


def press(api: Api) -> dict[str, Any]:
    answer = api.owner.post("/businesses/{b}/campaigns", json=ALL)
    assert answer.status_code in (200, 202), answer.text
    found: dict[str, Any] = answer.json()
    return found


def campaign(api: Api, started: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.owner.get(f"/businesses/{{b}}/campaigns/{started['id']}").json()
    return found


def add_clients(site: Site, count: int) -> list[str]:
    with site.writing() as session:
        return [
            str(make.client(session, first_name=f"C{n}", email=f"c{n}@example.com").id)
            for n in range(count)
        ]


def test_everybody_counts_once_under_the_first_reason_that_applies(
    api: Api, world: World, site: Site
) -> None:
    with site.writing() as session:
        make.client(session, first_name="Gone", email="gone@example.com", status="inactive")
        make.client(session, first_name="Bad", email="bad@example.com", blocked=True)
        make.client(session, first_name="Same", email=world.jo.email)
        make.client(session, first_name="Wrong", email="not an address")
        make.client(session, first_name="Quiet", email="quiet@example.com")
        make.client(session, first_name="Ken", email="KIM.COLD@example.com")
        suppress(session, world.salon.id, "quiet@example.com", SuppressionReason.UNSUBSCRIBED)
    found = api.owner.get("/businesses/{b}/invitations/preview").json()
    assert list(found["skipped"]) == list(REASONS)
    assert found == {
        "recipients": 1,
        "skipped": {
            "inactive": 1,
            "blocked": 1,
            "has_account": 3,
            "no_email": 1,
            "invalid_email": 1,
            "suppressed": 1,
            "shared_email": 1,
            "recently_invited": 0,
            "invited_too_often": 0,
        },
    }


def test_the_envelope_writes_once_to_each_and_knows_when_it_is_done(
    api: Api, site: Site, mailbox: Mailbox
) -> None:
    add_clients(site, 23)
    started = press(api)
    assert (started["recipients"], started["state"]) == (24, "queued")
    assert started["counts"]["queued"] == 24
    addresses = [mail.to for mail in mailbox.all]
    assert len(addresses) == len(set(addresses)) == 24
    done = campaign(api, started)
    assert done["state"] == "finished"
    assert done["counts"]["sent"] == 24
    assert sum(done["counts"].values()) == 24
    assert done["started_at"] <= done["finished_at"]
    preview = api.owner.get("/businesses/{b}/invitations/preview").json()
    assert (preview["recipients"], preview["skipped"]["recently_invited"]) == (0, 24)


def test_pressed_again_it_is_the_same_campaign(api: Api, site: Site, mailbox: Mailbox) -> None:
    add_clients(site, 3)
    first, again = press(api), press(api)
    assert first["id"] == again["id"]
    assert api.owner.post("/businesses/{b}/campaigns", json=ALL).status_code == 200
    assert len(mailbox.all) == 4
    assert press(api)["recipients"] == 0, "a new one, and nobody left to ask"


def test_g1_two_owners_pressing_at_once_start_one(api: Api, site: Site, mailbox: Mailbox) -> None:
    add_clients(site, 3)
    callers = [api.owner, api.manager] * 6
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda caller: caller.post("/businesses/{b}/campaigns", json=ALL), callers)
        )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 11 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(mailbox.all) == 4


def test_g1_the_same_key_presses_once(api: Api, mailbox: Mailbox, world: World) -> None:
    body = {"client_ids": [str(world.kim.id)]}
    headers = {"Idempotency-Key": "press-1"}
    answers = [
        api.owner.post("/businesses/{b}/campaigns", json=body, headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert len(mailbox.all) == 1


def test_with_the_switch_at_no_nobody_is_invited(api: Api, world: World, site: Site) -> None:
    site.allow_client_access(False)
    for body in (ALL, {"client_ids": [str(world.kim.id)]}):
        problem = problem_of(api.owner.post("/businesses/{b}/campaigns", json=body), 409)
        assert problem["code"] == "client_access_off"
        assert "Booking Preferences" in problem["detail"]


def test_the_switch_moved_to_no_pauses_and_back_to_yes_goes_on(
    api: Api, site: Site, mailbox: Mailbox
) -> None:
    add_clients(site, 3)
    started = press(api)
    site.allow_client_access(False)
    assert mailbox.all == []
    paused = campaign(api, started)
    assert (paused["state"], paused["counts"]["queued"]) == ("paused", 4)
    assert paused["paused_because"]
    site.allow_client_access(True)
    assert len(mailbox.all) == 4
    assert campaign(api, started)["state"] == "finished"


def test_paused_nothing_leaves_and_resumed_it_skips_the_sent(
    api: Api, site: Site, mailbox: Mailbox
) -> None:
    add_clients(site, 5)
    started = press(api)
    path = f"/businesses/{{b}}/campaigns/{started['id']}"
    assert api.owner.post(f"{path}/pause").json()["state"] == "paused"
    assert mailbox.all == []
    assert api.owner.post(f"{path}/resume").json()["state"] == "queued"
    assert len(mailbox.all) == 6
    assert problem_of(api.owner.post(f"{path}/pause"), 409)["code"] == "campaign_over"


def test_cancelled_the_rest_is_skipped_with_the_reason(
    api: Api, site: Site, mailbox: Mailbox
) -> None:
    add_clients(site, 2)
    started = press(api)
    path = f"/businesses/{{b}}/campaigns/{started['id']}"
    cancelled = api.owner.post(f"{path}/cancel").json()
    assert (cancelled["state"], cancelled["counts"]["skipped"]) == ("cancelled", 3)
    assert mailbox.all == []
    rows = api.owner.get(f"{path}/invitations", params={"state": "skipped"}).json()["items"]
    assert {row["reason"] for row in rows} == {"cancelled"}
    refused = api.owner.post(f"/businesses/{{b}}/invitations/{rows[0]['id']}/resend")
    assert problem_of(refused, 409)["code"] == "not_eligible"
    assert press(api)["recipients"] == 3


@pytest.mark.parametrize("what", ["login", "inactive", "blocked", "unsubscribed", "address"])
def test_who_changed_while_queued_is_asked_again_before_sending(
    api: Api, world: World, site: Site, mailbox: Mailbox, what: str
) -> None:
    press(api)
    with site.writing() as session:
        if what == "unsubscribed":
            suppress(session, world.salon.id, world.kim.email, SuppressionReason.UNSUBSCRIBED)
    path = f"/businesses/{{b}}/clients/{world.kim.id}"
    if what == "login":
        with site.writing() as session:
            from_world = make.client(session, first_name="K", email=world.kim.email)
            make.login(session, from_world)
    elif what == "address":
        api.owner.patch(path, json={"email": "kim.new@example.com"})
    elif what != "unsubscribed":
        api.owner.patch(path, json={"status": "inactive"} if what == "inactive" else {what: True})
    mailbox.send_due()
    sent_to = [mail.to for mail in mailbox.all if mail.subject == "Your online account is ready"]
    assert sent_to == (["kim.new@example.com"] if what == "address" else [])
    started = api.owner.get("/businesses/{b}/campaigns").json()["items"][0]
    assert started["state"] == "finished"
    assert started["counts"]["sent" if what == "address" else "skipped"] == 1


def test_a_client_added_meanwhile_waits_for_the_next_press(
    api: Api, site: Site, mailbox: Mailbox
) -> None:
    started = press(api)
    add_clients(site, 1)
    mailbox.send_due()
    assert campaign(api, started)["recipients"] == 1
    assert press(api)["recipients"] == 1


def test_g12_workers_side_by_side_send_each_invitation_once(site: Site, api: Api) -> None:
    add_clients(site, 40)
    press(api)

    def claim_all(_: int) -> list[str]:
        found: list[str] = []
        while True:
            with site.writing() as session:
                batch = sending.claim(session, 3)
            if not batch.taken:
                return found
            found += [one.to_email for one in batch.claimed]

    with ThreadPoolExecutor(8) as pool:
        claimed = [address for part in pool.map(claim_all, range(8)) for address in part]
    assert len(claimed) == len(set(claimed)) == 41


@pytest.mark.settings(invitation_connections=4)
def test_over_several_connections_at_once_each_leaves_once(
    site: Site, api: Api, mailbox: Mailbox
) -> None:
    add_clients(site, 150)
    started = press(api)
    addresses = [mail.to for mail in mailbox.all]
    assert len(addresses) == len(set(addresses)) == 151
    done = campaign(api, started)
    assert (done["state"], done["counts"]["sent"]) == ("finished", 151)


def test_a_claim_whose_worker_died_comes_again_as_the_same_message(
    site: Site, api: Api, clock: Clock
) -> None:
    press(api)
    with site.writing() as session:
        (lost,) = sending.begin(session, sending.claim(session).claimed)
    with site.writing() as session:
        assert sending.claim(session).taken == 0, "its lease still runs"
    clock.move(minutes=5)
    with site.writing() as session:
        (again,) = sending.begin(session, sending.claim(session).claimed)
    assert (again.id, again.email) == (lost.id, lost.email)
    assert again.written_at == lost.written_at
    with site.writing() as session:
        sending.mark(session, [(lost, Outcome(Stage.REFUSED, 550, "too late"))])
    with site.writing() as session:
        sending.mark(session, [(again, Outcome(Stage.ACCEPTED, 250, "fine"))])
    assert api.owner.get("/businesses/{b}/campaigns").json()["items"][0]["counts"]["sent"] == 1


def outcome_of(site: Site, *outcomes: Outcome) -> None:
    """Send what is claimed with the given outcomes, one attempt each."""
    for outcome in outcomes:
        with site.writing() as session:
            (one,) = sending.begin(session, sending.claim(session).claimed)
            sending.mark(session, [(one, outcome)])


def test_a_broken_connection_after_the_dot_is_sent_once_more_and_then_believed(
    site: Site, api: Api
) -> None:
    started = press(api)
    outcome_of(site, Outcome(Stage.UNKNOWN, None, "the connection broke"))
    assert campaign(api, started)["counts"]["uncertain"] == 1
    outcome_of(site, Outcome(Stage.UNKNOWN, None, "the connection broke"))
    assert campaign(api, started)["counts"]["sent"] == 1
    assert campaign(api, started)["state"] == "finished"


def test_refused_for_good_is_failed_with_what_the_server_said(site: Site, api: Api) -> None:
    started = press(api)
    outcome_of(site, Outcome(Stage.REFUSED, 550, "5.1.1 no such user"))
    assert campaign(api, started)["counts"]["failed"] == 1
    (row,) = api.owner.get(
        f"/businesses/{{b}}/campaigns/{started['id']}/invitations", params={"state": "failed"}
    ).json()["items"]
    assert row["reason"] == "5.1.1 no such user"
    assert row["sent_at"] is None
    with site.writing() as session:
        assert sending.claim(session).taken == 0, "no retry"


def test_refused_for_now_is_tried_later(site: Site, api: Api, clock: Clock) -> None:
    started = press(api)
    outcome_of(site, Outcome(Stage.DELAYED, 451, "greylisted"))
    assert campaign(api, started)["counts"]["deferred"] == 1
    with site.writing() as session:
        assert sending.claim(session).taken == 0
    clock.move(minutes=3)
    outcome_of(site, Outcome(Stage.ACCEPTED, 250, "fine"))
    assert campaign(api, started)["state"] == "finished"


def test_a_row_that_can_t_be_written_fails_alone(site: Site, api: Api, mailbox: Mailbox) -> None:
    with site.writing() as session:
        make.client(session, first_name="Poison", email="local part@[bad")
        make.client(session, first_name="Fine", email="fine@example.com")
    started = press(api)
    assert started["skipped"]["invalid_email"] == 1
    assert {mail.to for mail in mailbox.all} == {"fine@example.com", "kim.cold@example.com"}
    assert campaign(api, started)["state"] == "finished"


def test_the_list_pages_through_every_row_once(api: Api, site: Site) -> None:
    add_clients(site, 7)
    started = press(api)
    path = f"/businesses/{{b}}/campaigns/{started['id']}/invitations"
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        body = api.owner.get(path, params=params).json()
        seen += [row["id"] for row in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 8
    assert "state" in fields_of(api.owner.get(path, params={"state": "odd"}))
    assert "cursor" in fields_of(api.owner.get(path, params={"cursor": "odd"}))


def test_what_is_sent_must_make_sense(api: Api, world: World) -> None:
    post = api.owner.post
    wrong: list[dict[str, Any]] = [
        {},
        ALL | {"client_ids": [str(world.kim.id)]},
        {"audience": "everyone"},
        {"client_ids": []},
        {"client_ids": "x"},
        {"client_ids": ["x"]},
    ]
    for body in wrong:
        assert fields_of(post("/businesses/{b}/campaigns", json=body))
    stranger = {"client_ids": [str(world.kim.id), str(world.max.id)]}
    problem_of(post("/businesses/{b}/campaigns", json=stranger), 404)


def test_strangers_and_clients_have_no_part_in_it(api: Api, world: World) -> None:
    started = press(api)
    for caller, status in ((api.visitor, 401), (api.client, 403), (api.outsider, 404)):
        problem_of(caller.post("/businesses/{b}/campaigns", json=ALL), status)
        problem_of(caller.get("/businesses/{b}/invitations/preview"), status)
        problem_of(caller.get(f"/businesses/{{b}}/campaigns/{started['id']}"), status)
        problem_of(caller.post(f"/businesses/{{b}}/campaigns/{started['id']}/cancel"), status)
    foreign = api.outsider.at(world.kennels.slug).get(
        f"/businesses/{{b}}/campaigns/{started['id']}"
    )
    problem_of(foreign, 404)


def test_unsubscribing_by_one_click_works_at_once_and_for_good(
    api: Api, world: World, mailbox: Mailbox, door: Any, clock: Clock
) -> None:
    press(api)
    mail = mailbox.latest(world.kim.email)
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(mail.message["List-Unsubscribe"]).strip(" <>")
    path = url.removeprefix("http://localhost:8000")
    assert path == mail.link("/u/")
    browser = door.visitor()
    assert browser.request("GET", path).status_code == 200
    clock.move(days=40)
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/octet-stream"):
        answer = browser.request(
            "POST",
            path,
            content=b"List-Unsubscribe=One-Click",
            headers={"Content-Type": kind, "Origin": "https://mail.example"},
        )
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    preview = api.owner.get("/businesses/{b}/invitations/preview").json()
    assert (preview["recipients"], preview["skipped"]["suppressed"]) == (0, 1)
    assert browser.request("POST", path[:-2] + "xx").status_code == 404


def test_what_was_done_stands_in_the_audit_log(api: Api, world: World) -> None:
    started = press(api)
    api.owner.post(f"/businesses/{{b}}/campaigns/{started['id']}/pause")
    entries = api.owner.get("/businesses/{b}/audit").json()["items"]
    assert [entry["action"] for entry in entries][:2] == ["campaign.paused", "campaign.started"]
    assert SYSTEM.name not in str(entries[:2])
