"""A pet owner signs in, by password or by a mailed code, and chooses a new one: over the API."""

from booking.clients.models import ClientStatus
from tests.api.client_logins import FORM, NEW_PASSWORD, confirm, me, sign_in, sign_up, token_in
from tests.front_door import Api, fields_of, problem_of
from tests.mailbox import Mailbox
from tests.site import Site
from tests.world import PASSWORD, World


def test_a_client_signs_in_with_a_password(api: Api, world: World) -> None:
    answer = sign_in(api, world.jo.email, PASSWORD)
    assert answer.status_code == 201
    assert answer.json()["account"]["email"] == world.jo.email
    assert me(api, answer.json()["token"])["first_name"] == "Jo"


def test_unknown_addresses_and_wrong_passwords_are_refused_alike(api: Api, world: World) -> None:
    wrong = sign_in(api, world.jo.email, "not the password")
    unknown = sign_in(api, "nobody@example.com", "not the password")
    no_address = sign_in(api, "nobody", "not the password")
    assert problem_of(wrong, 401)["code"] == "wrong_credentials"
    assert wrong.json() == unknown.json() == no_address.json()


def test_staff_don_t_get_in_as_clients_nor_clients_of_another_business(
    api: Api, world: World
) -> None:
    for person in (world.owner, world.max.person):
        problem_of(sign_in(api, person.email, PASSWORD), 401)


def test_a_mailed_code_signs_in_once(api: Api, world: World, mailbox: Mailbox) -> None:
    asked = api.visitor.post("/businesses/{b}/sign-in-codes", json={"email": world.jo.email})
    assert asked.status_code == 202
    body = {"email": world.jo.email, "code": mailbox.latest(world.jo.email).code}
    assert api.visitor.post("/businesses/{b}/sessions", json=body).status_code == 201
    again = api.visitor.post("/businesses/{b}/sessions", json=body)
    assert again.status_code in (410, 422)


def test_codes_and_resets_are_asked_for_alike_by_known_and_unknown(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    for path in ("sign-in-codes", "password-resets"):
        known = api.visitor.post(f"/businesses/{{b}}/{path}", json={"email": world.jo.email})
        unknown = api.visitor.post(f"/businesses/{{b}}/{path}", json={"email": "no@example.com"})
        assert known.status_code == unknown.status_code == 202
        assert known.json() == unknown.json()
    assert len(mailbox.to(world.jo.email)) == len(mailbox.to("no@example.com")) == 2


def test_a_reset_ends_every_session_and_signs_nobody_in(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    api.visitor.post("/businesses/{b}/password-resets", json={"email": world.jo.email})
    secret = mailbox.latest(world.jo.email).link("/happy-paws/reset/").rpartition("/")[2]
    body = {"token": secret, "password": NEW_PASSWORD}
    path = "/businesses/{b}/password-resets/confirm"
    assert fields_of(api.visitor.post(path, json=body | {"password": "jo.bright"}))
    done = api.visitor.post(path, json=body)
    assert (done.status_code, done.content) == (204, b"")
    problem_of(api.client.get("/businesses/{b}/me"), 401)
    problem_of(sign_in(api, world.jo.email, PASSWORD), 401)
    assert sign_in(api, world.jo.email, NEW_PASSWORD).status_code == 201
    assert problem_of(api.visitor.post(path, json=body), 410)["code"] == "used"


def test_a_reset_of_another_business_is_unknown_here(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    api.visitor.at(world.kennels.slug).post(
        "/businesses/{b}/password-resets", json={"email": world.max.email}
    )
    secret = mailbox.latest(world.max.email).link("/outsiders-kennels/reset/").rpartition("/")[2]
    body = {"token": secret, "password": NEW_PASSWORD}
    problem_of(api.visitor.post("/businesses/{b}/password-resets/confirm", json=body), 410)


def test_who_was_made_inactive_gets_out_and_not_in_again(
    api: Api, world: World, mailbox: Mailbox
) -> None:
    path = f"/businesses/{{b}}/clients/{world.jo.id}"
    assert api.owner.patch(path, json={"status": "inactive"}).status_code == 200
    problem_of(api.client.get("/businesses/{b}/me"), 401)
    assert problem_of(sign_in(api, world.jo.email, PASSWORD), 403)["code"] == "no_longer_client"
    api.owner.patch(path, json={"status": ClientStatus.ACTIVE.value})
    assert sign_in(api, world.jo.email, PASSWORD).status_code == 201


def test_the_switch_at_no_ends_sessions_and_every_way_in(
    api: Api, world: World, mailbox: Mailbox, site: Site
) -> None:
    api.visitor.post("/businesses/{b}/password-resets", json={"email": world.jo.email})
    secret = mailbox.latest(world.jo.email).link("/happy-paws/reset/").rpartition("/")[2]
    waiting = sign_up(api).json()["sign_up_token"]
    proof = token_in(mailbox, FORM["email"])
    site.allow_client_access(False)
    problem_of(api.client.get("/businesses/{b}/me"), 401)
    refused = [
        sign_in(api, world.jo.email, PASSWORD),
        sign_in(api, "nobody@example.com", PASSWORD),
        api.visitor.post("/businesses/{b}/sign-in-codes", json={"email": world.jo.email}),
        api.visitor.post("/businesses/{b}/password-resets", json={"email": world.jo.email}),
        api.visitor.post(
            "/businesses/{b}/password-resets/confirm",
            json={"token": secret, "password": NEW_PASSWORD},
        ),
        confirm(api, token=proof, sign_up_token=waiting),
    ]
    assert {problem_of(each, 409)["code"] for each in refused} == {"client_access_off"}
    site.allow_client_access(True)
    assert confirm(api, token=proof, sign_up_token=waiting).status_code == 200
    assert sign_in(api, world.jo.email, PASSWORD).status_code == 201


def test_too_many_tries_on_one_address_wait_and_a_reset_still_works(api: Api, world: World) -> None:
    answers = [sign_in(api, world.jo.email, "wrong guess") for _ in range(11)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    reset = api.visitor.post("/businesses/{b}/password-resets", json={"email": world.jo.email})
    assert reset.status_code == 202


def test_sign_ins_and_failed_tries_stand_in_the_audit_log(api: Api, world: World) -> None:
    sign_in(api, world.jo.email, PASSWORD)
    sign_in(api, world.jo.email, "wrong guess")
    sign_in(api, "nobody@example.com", "wrong guess")
    entries = api.owner.get("/businesses/{b}/audit").json()["items"]
    actions = [entry["action"] for entry in entries][:3]
    assert actions == ["account.sign_in_failed", "account.sign_in_failed", "account.signed_in"]
