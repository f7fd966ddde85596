"""Two records of one person become one."""

import json

from booking.clients.models import Client, Compared, Pet
from booking.imports.models import ImportRow
from tests import make
from tests.front_door import Api, fields_of, problem_of
from tests.merges.merging import CLIENTS, MERGES, add, ask, merged
from tests.site import Site
from tests.world import World


def test_the_kept_record_stands_and_its_gaps_are_filled(api: Api) -> None:
    keep = add(api.staff, first_name="Robert", last_name="Moor", mobile_phone="555 0101")
    other = add(
        api.staff,
        first_name="Bob",
        last_name="Moor",
        email="bob@example.com",
        mobile_phone="555 0202",
        birthday="1980-05-31",
        address={"address_1": "1 Main St", "city": "Troy"},
    )
    done = merged(api.staff, keep, other)
    assert done["state"] == "done"
    assert done["merged"] == [{"id": other["id"], "name": "Bob Moor"}]
    kept = done["kept"]
    assert kept["id"] == keep["id"]
    assert (kept["first_name"], kept["mobile_phone"]) == ("Robert", "555 0101")
    assert (kept["email"], kept["birthday"]) == ("bob@example.com", "1980-05-31")
    assert kept["address"]["city"] == "Troy"
    assert kept["created_at"] == keep["created_at"]
    assert kept == api.staff.get(f"{CLIENTS}/{keep['id']}").json()
    assert problem_of(api.staff.get(f"{CLIENTS}/{other['id']}"), 404)
    assert "Bob" in str(done["rows"]), "nothing of the other is lost"
    assert "555 0202" in str(done["rows"])


def test_staff_choose_field_by_field(api: Api) -> None:
    keep = add(api.staff, first_name="Robert", email="old@example.com", address={"city": "Troy"})
    other = add(
        api.staff, first_name="Bob", email="new@example.com", address={"address_1": "2 Elm St"}
    )
    fields = {"email": other["id"], "first_name": keep["id"], "address": other["id"]}
    kept = merged(api.staff, keep, other, fields=fields)["kept"]
    assert (kept["first_name"], kept["email"]) == ("Robert", "new@example.com")
    assert (kept["address"]["city"], kept["address"]["address_1"]) == ("", "2 Elm St")
    assert kept["email_valid"] is True


def test_a_field_may_be_chosen_by_its_value(api: Api) -> None:
    keep = add(api.staff, first_name="Robert")
    other = add(api.staff, first_name="Bob")
    kept = merged(api.staff, keep, other, fields={"first_name": "Bob"})["kept"]
    assert kept["first_name"] == "Bob"


def test_an_address_is_not_put_together_from_two(api: Api) -> None:
    keep = add(api.staff, first_name="Ann", address={"address_1": "1 Main St", "city": "Troy"})
    far = add(
        api.staff, first_name="Ann", address={"address_1": "9 Far Rd", "postal_code": "99999"}
    )
    near = add(
        api.staff, first_name="Ann", address={"address_1": "1 main st", "postal_code": "12180"}
    )
    address = merged(api.staff, keep, far, near)["kept"]["address"]
    assert address["address_1"] == "1 Main St"
    assert address["postal_code"] == "12180"


def test_both_notes_stay(api: Api) -> None:
    keep = add(api.staff, first_name="Ann", notes="Pays in cash.")
    same = add(api.staff, first_name="Ann", notes="Pays in cash.")
    other = add(api.staff, first_name="Ann", notes="Rings twice.")
    notes = merged(api.staff, keep, same, other)["kept"]["notes"]
    assert notes == "Pays in cash.\n\nRings twice."


def test_nobody_is_activated_or_unblocked_by_a_merge(api: Api) -> None:
    keep = add(api.staff, first_name="Ann", status="inactive")
    other = add(api.staff, first_name="Ann", blocked=True)
    kept = merged(api.staff, keep, other)["kept"]
    assert (kept["status"], kept["blocked"]) == ("inactive", True)
    keep = add(api.staff, first_name="Ben", status="inactive")
    other = add(api.staff, first_name="Ben")
    kept = merged(api.staff, keep, other, fields={"status": other["id"]})["kept"]
    assert kept["status"] == "active"


def test_who_said_no_to_mails_is_not_asked_again(api: Api) -> None:
    keep = add(api.staff, first_name="Ann")
    one = add(api.staff, first_name="Ann", marketing_email_ok=True, sms_ok=True)
    two = add(api.staff, first_name="Ann", marketing_email_ok=False)
    kept = merged(api.staff, keep, one, two)["kept"]
    assert (kept["marketing_email_ok"], kept["sms_ok"]) == (False, True)


def test_the_same_pet_is_one_and_every_other_moves(api: Api) -> None:
    rex = {"name": "Rex", "species": "dog", "behaviour_notes": "Shy."}
    keep = add(api.staff, first_name="Ann", pets=[rex, {"name": "Tom", "species": "cat"}])
    other = add(
        api.staff,
        first_name="Ann",
        pets=[
            {
                "name": "REX",
                "breed": "Lab",
                "behaviour_notes": "Bites.",
                "vaccinations": [{"name": "Rabies", "given_on": "2026-01-02"}],
            },
            {"name": "Tom", "species": "dog"},
            {"name": "Éclair"},
        ],
    )
    pets = merged(api.staff, keep, other)["kept"]["pets"]
    assert [pet["name"] for pet in pets] == ["Rex", "Tom", "Tom", "Éclair"]
    assert pets[0]["id"] == keep["pets"][0]["id"]
    assert (pets[0]["species"], pets[0]["breed"]) == ("dog", "Lab")
    assert pets[0]["behaviour_notes"] == "Shy.\n\nBites."
    assert [each["name"] for each in pets[0]["vaccinations"]] == ["Rabies"]
    assert [pet["species"] for pet in pets] == ["dog", "cat", "dog", ""]


def test_two_pets_of_one_record_stay_two(api: Api) -> None:
    keep = add(api.staff, first_name="Ann", pets=[{"name": "Rex"}])
    other = add(api.staff, first_name="Ann", pets=[{"name": "Rex"}, {"name": "Rex"}])
    pets = merged(api.staff, keep, other)["kept"]["pets"]
    assert [pet["name"] for pet in pets] == ["Rex", "Rex"]


def test_a_pet_that_is_gone_is_not_the_one_that_lives(api: Api, site: Site) -> None:
    keep = add(api.staff, first_name="Ann", pets=[{"name": "Rex"}])
    other = add(api.staff, first_name="Ann", pets=[{"name": "Rex", "species": "dog"}])
    gone = keep["pets"][0]["id"]
    path = f"{CLIENTS}/{keep['id']}/pets/{gone}"
    assert api.staff.patch(path, json={"archived": True}).status_code == 200
    pets = merged(api.staff, keep, other)["kept"]["pets"]
    assert [pet["id"] for pet in pets] == [other["pets"][0]["id"]]
    with site.reading() as session:
        assert {str(pet.client_id) for pet in session.query(Pet).filter(Pet.name == "Rex")} >= {
            keep["id"]
        }


def test_visits_move_and_name_the_pet_that_stays(api: Api, site: Site, world: World) -> None:
    keep = add(api.staff, first_name="Ann", pets=[{"name": "Rex"}])
    other = add(api.staff, first_name="Ann", pets=[{"name": "Rex"}])
    booked = api.staff.post(
        "/businesses/{b}/appointments",
        json={
            "service_id": str(world.salon.bath),
            "starts_at": "2027-03-04T15:00:00Z",
            "client_id": other["id"],
            "pets": [{"id": other["pets"][0]["id"]}],
        },
    )
    assert booked.status_code == 201, booked.text
    merged(api.staff, keep, other)
    diary = api.staff.get("/businesses/{b}/appointments?from=2027-03-04&to=2027-03-05").json()
    (visit,) = [one for one in diary["items"] if one["id"] == booked.json()["id"]]
    assert keep["id"] in str(visit)
    assert keep["pets"][0]["id"] in str(visit["pets"])


def test_where_an_import_put_them_is_still_known(api: Api, site: Site) -> None:
    csv = b"first_name,last_name,email\nIda,Import,ida@example.com\n"
    files = {"file": ("clients.csv", csv, "text/csv")}
    keep = add(api.staff, first_name="Ida", mobile_phone="555 0303")
    started = api.staff.post("/businesses/{b}/imports?dry_run=false", files=files)
    assert started.status_code == 202, started.text
    with site.writing() as session:
        other = make.client(session, first_name="Ida", email="ida2@example.com")
        row = session.query(ImportRow).one()
        row.client_id = other.id
    merged(api.staff, keep, other)
    with site.reading() as session:
        assert str(session.query(ImportRow).one().client_id) == keep["id"]


def test_the_kept_record_is_found_by_what_it_gained(api: Api, site: Site) -> None:
    keep = add(api.staff, first_name="Ann", last_name="Zebra")
    other = add(api.staff, email="zoe@example.com", pets=[{"name": "Quux"}])
    with site.writing() as session:
        for client in session.query(Client):
            client.compared = Compared.DONE
    merged(api.staff, keep, other)
    for wanted in ("quux", "zoe@", "zebra"):
        found = api.staff.get(CLIENTS, params={"q": wanted}).json()["items"]
        assert [client["id"] for client in found] == [keep["id"]], wanted
    with site.reading() as session:
        kept = session.query(Client).filter(Client.last_name == "Zebra").one()
        assert kept.compared is Compared.CHANGED
        assert kept.sort_name == "zebra ann"


def test_several_records_at_once(api: Api) -> None:
    keep, *others = [add(api.staff, first_name="Ann", last_name=str(n)) for n in range(4)]
    done = merged(api.staff, keep, *others)
    assert [record["name"] for record in done["merged"]] == ["Ann 1", "Ann 2", "Ann 3"]


def test_what_cannot_be_merged_is_refused(api: Api, world: World) -> None:
    keep = add(api.staff, first_name="Ann")
    many = [add(api.staff, first_name=f"Ann {n}") for n in range(11)]
    assert fields_of(ask(api.staff, keep)) == {"merge": "required"}
    assert fields_of(ask(api.staff, keep, keep)) == {"merge": "same_record"}
    assert fields_of(ask(api.staff, keep, *many)) == {"merge": "too_many"}
    assert problem_of(ask(api.staff, keep, world.max), 404)["code"] == "not_found"
    assert problem_of(ask(api.staff, world.max, keep), 404)["code"] == "not_found"
    refused = ask(
        api.staff, keep, many[0], fields={"shoe_size": keep["id"], "email": many[1]["id"]}
    )
    assert fields_of(refused) == {"fields.shoe_size": "unknown", "fields.email": "no_choice"}
    assert fields_of(ask(api.staff, keep, many[0], login=keep["id"])) == {"login": "unknown"}
    assert api.staff.get(f"{CLIENTS}/{many[0]['id']}").status_code == 200


def test_a_field_no_keyboard_types_is_refused(api: Api) -> None:
    keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Anna")
    body = json.dumps({"keep": keep["id"], "merge": [other["id"]], "fields": {"\ud800": "x"}})
    headers = {"Content-Type": "application/json"}
    assert problem_of(api.staff.post(MERGES, content=body, headers=headers), 422)


def test_what_has_gone_already_says_where_to(api: Api) -> None:
    keep, other, third = (add(api.staff, first_name=name) for name in ("Ann", "Anna", "Anne"))
    first = merged(api.staff, keep, other)
    problem = problem_of(ask(api.staff, third, other), 409)
    assert problem["code"] == "already_merged"
    assert (problem["merge_id"], problem["kept_id"]) == (first["id"], keep["id"])
    assert problem_of(ask(api.staff, other, keep), 409)["code"] == "already_merged"


def test_a_preview_says_what_will_be_and_changes_nothing(api: Api, world: World) -> None:
    keep = add(api.staff, first_name="Jo", pets=[{"name": "Rex", "species": "dog"}])
    body = {"keep": keep["id"], "merge": [str(world.jo.id)]}
    shown = api.staff.post(f"{MERGES}/preview", json=body)
    assert shown.status_code == 200, shown.text
    found = shown.json()
    lines = {line["field"]: line for line in found["fields"]}
    assert lines["email"]["value"] == world.jo.email
    assert lines["email"]["chosen"] == str(world.jo.id)
    assert lines["email"]["differs"] is True
    assert [one["value"] for one in lines["first_name"]["options"]] == ["Jo", "Jo"]
    assert found["moves"]["appointments"] == 2
    assert found["moves"]["pets"] == 1
    assert [pet["name"] for pet in found["same_pets"]] == ["Rex"]
    assert [login["email"] for login in found["logins"]] == [world.jo.email]
    assert found["must_choose_login"] is False
    assert api.staff.get(f"{CLIENTS}/{world.jo.id}").status_code == 200


def test_merges_are_listed_latest_first(api: Api) -> None:
    ids = []
    for name in ("Ann", "Ben", "Cleo"):
        keep, other = add(api.staff, first_name=name), add(api.staff, first_name=name)
        ids.append(merged(api.staff, keep, other)["id"])
    first = api.staff.get(MERGES, params={"limit": 2}).json()
    assert [one["id"] for one in first["items"]] == [ids[2], ids[1]]
    rest = api.staff.get(MERGES, params={"cursor": first["next_cursor"]}).json()
    assert [one["id"] for one in rest["items"]] == [ids[0]]
    assert rest["next_cursor"] is None
    assert rest["items"][0]["created_by_name"] == "Stella Staff"
    one = api.owner.get(f"{MERGES}/{ids[0]}").json()
    assert one["kept"]["first_name"] == "Ann"
    assert one["may_undo"] is True


def test_a_repeated_request_merges_once(api: Api) -> None:
    keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Anna")
    body = {"keep": keep["id"], "merge": [other["id"]]}
    headers = {"Idempotency-Key": "merge-1"}
    first, again = (api.staff.post(MERGES, json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()


def test_a_merge_leaves_a_trace(api: Api) -> None:
    keep, other = add(api.staff, first_name="Ann"), add(api.staff, first_name="Anna")
    done = merged(api.staff, keep, other)
    api.staff.post(f"{MERGES}/{done['id']}/undo")
    entries = api.owner.get("/businesses/{b}/audit", params={"limit": 10}).json()["items"]
    told = {entry["action"]: entry for entry in entries}
    assert told["client.merged"]["record_id"] == keep["id"]
    assert told["client.merged"]["details"]["merged"] == [{"id": other["id"], "name": "Anna"}]
    assert told["merge.undone"]["details"]["restored"] == [{"id": other["id"], "name": "Anna"}]
    assert told["merge.undone"]["actor_name"] == "Stella Staff"
