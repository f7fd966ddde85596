"""People of the salon who look alike, for looking at: questions of every sort, answers, merges."""

import uuid
from datetime import timedelta

from booking.appointments.models import BookedBy
from booking.clients import queries as clients
from booking.linking.actions.sign_up import make_account
from booking.matching import actions
from booking.matching import queries as matching
from booking.matching.models import MatchState, Origin
from booking.matching.rules.people import Person
from booking.matching.scanning import scan_next
from booking.merges import queries as merges
from tests import make
from tests.pages import Pages
from tests.site import Site
from tests.times import START
from tests.web.questions import a_question, ask, newcomer_like

DESK = "/manage/happy-paws"
AT_HOME = {"address_1": "12 Mill Lane", "city": "Ithaca", "postal_code": "14850"}


def people_who_look_alike(site: Site, pages: Pages) -> dict[str, str]:
    """Links to what was made."""
    links = _a_family(site)
    _newcomers(site)
    links |= _answers(site, pages) | _linked(site, pages) | _merges(site, pages)
    pages.owner.request("POST", f"{DESK}/duplicates/scan")
    while scan_next(site.database, lambda: False):
        pass
    return links


def _a_family(site: Site) -> dict[str, str]:
    said = (
        ("Anna", {"email": "anna@example.net", "mobile_phone": "212 555 0142", **AT_HOME}),
        ("Anne", {"email": "anna@example.net", "home_phone": "(212) 555-0142"}),
        ("Ana", {"email": "a.schmidt@example.net", "mobile_phone": "212 555 0142"}),
    )
    with site.writing() as session:
        people = [make.client(session, first_name=name, last_name="Schmidt", **more)
                  for name, more in said]  # fmt: skip
        for owner in people[:2]:
            make.pet(session, owner, name="Bruno", breed="Beagle")
        ask(session, people[1], origin=Origin.BOOKING)
        return {client.first_name.lower(): str(client.id) for client in people}


def _newcomers(site: Site) -> None:
    """One of each way in, and a login that has no record."""
    known = site.world.jo.id
    with site.writing() as session:
        for origin, name in ((Origin.SIGN_UP, "Joanna"), (Origin.IMPORT, "J"), (Origin.STAFF, "")):
            different = {"first_name": name} if name else AT_HOME
            ask(session, newcomer_like(session, known, pet="Rex", **different), origin=origin)
        account = make_account(
            session, email="kim.cold@exampel.com", name="Kim Cold", password_hash=None
        )
        session.flush()
        person = Person("Kim", "Cold", account.email)
        actions.raise_for_login(session, account.id, person)


def _answers(site: Site, pages: Pages) -> dict[str, str]:
    """Two are not the same, two live together."""
    known = site.world.sam.id
    for name, answer in (("Samantha", "reject"), ("Samuel", "household")):
        newcomer = a_question(site, known, first_name=name)
        with site.reading() as session:
            match_id = matching.of_client(session, newcomer, MatchState.OPEN)[0].id
        page = pages.owner.request("POST", f"{DESK}/matches/{match_id}/{answer}")
        assert page.says("Noted"), page
    return {"sam": str(known), "answered": page.path.partition("?")[2]}


def _linked(site: Site, pages: Pages) -> dict[str, str]:
    """A guest's visit that is somebody's, and a login."""
    salon = site.world.salon
    with site.writing() as session:
        pat = clients.find(session, site.world.pat.id)
        visit = make.appointment(session, pat, salon.bath, salon.ana, START + timedelta(days=20))
        visit.client_id, visit.first_name, visit.booked_by = None, "Patricia", BookedBy.GUEST
        account = make_account(
            session, email="p.silent@example.com", name="Pat Silent", password_hash=None
        )
        session.flush()
        person = Person("Pat", "Silent", mobile_phone=pat.mobile_phone)
        asked = actions.raise_for_visit(session, visit.id, person)
        asked += actions.raise_for_login(session, account.id, person)
        match_ids = [match.id for match in asked]
    for match_id in match_ids:
        page = pages.owner.request("POST", f"{DESK}/matches/{match_id}/link")
        assert page.says("is linked to Pat Silent now"), page
    return {"linked": page.path.partition("?")[2]}


def _merges(site: Site, pages: Pages) -> dict[str, str]:
    """One can be taken back as it is; after the other, somebody went on."""
    links = {}
    for name in ("Lena", "Luis"):
        with site.writing() as session:
            keep = make.client(session, first_name=name, last_name="Vogt", email="v@example.com")
            other = make.client(session, first_name=name, last_name="Vogt", home_phone="5550177")
            sent = {"keep": str(keep.id), "merge": str(other.id)}
        page = pages.owner.request("POST", f"{DESK}/merges", data=sent)
        assert page.says("2 records became one"), page
        links[f"just_{name.lower()}"] = page.path
        with site.reading() as session:
            merge_id = merges.of_client(session, uuid.UUID(sent["keep"]))[0].id
        links[name.lower()] = str(merge_id)
        links[f"old_{name.lower()}"] = sent["merge"]
    page = pages.owner.get(f"{DESK}/clients/{sent['keep']}/edit")
    page.submit("/edit", home_phone="555 0188")
    return links
