"""A salon in full swing, for looking at: every page has something to show, and somebody to see it.

Made on top of the world of the tests, mostly as people make it: by the forms of the pages.
"""

import html
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp

from booking.accounts.actions.sign_in import open_session
from booking.accounts.models import Account, SessionKind
from booking.appointments.actions import change, decide
from booking.audit.actions import SYSTEM, Actor
from booking.audit.models import ActorKind
from booking.billing.actions.plans import choose_plan
from booking.businesses import queries as businesses
from booking.businesses.actions.opening import NewBusiness, create_business
from booking.licensing import actions as licensing
from booking.licensing.actions import Program
from booking.licensing.models import RegistrationState
from tests import make
from tests.browser.coming_back import what_comes_back
from tests.browser.look_alikes import people_who_look_alike
from tests.browser.notices import service_notices
from tests.mailbox import Mailbox
from tests.pages import Browser, Page, Pages
from tests.sandbox import Sandbox
from tests.site import Site
from tests.times import Clock
from tests.web.booking_steps import MARCH_2_AT_ONE, at_check, at_details
from tests.world import PASSWORD, Person, World
from workers import jobs

SITE, DESK = "/happy-paws", "/manage/happy-paws"
NEW_PASSWORD = "four green boats sail"
OLIVIA = Actor(ActorKind.STAFF, None, "Olivia Owner")
MANY = ("Alice Bauer", "Chloé Dupont", "Daniel Evans", "Elena Fuchs", "Grace Hughes", "Liam Murphy")
LIST = """client_external_id,first_name,last_name,email,mobile_phone,notes,status,pet_name,breed
901,Ann,Lee,ann.lee@example.com,555 0199,,active,Biscuit,Beagle
902,Bob,Ray,not an address,555 0198,,active,Pepper,Poodle
903,,,,,,active,Nobody,
904,Cat,too,few
"""
OTHER_LIST = f"""{LIST.partition("901")[0].strip()}
911,Dan,Fox,dan.fox@example.com,555 0191,,active,Olive,Beagle
912,Eva,Gill,eva.gill@example.com,555 0192,,active,Mochi,Pug
913,Fay,Hart,fay.hart@example.com,555 0193,,active,,
"""
UNKNOWN_LIST = """Owner,Mail address,Animal
Dora Moss,dora@example.com,Tilly
Ed Vance,ed@example.com,Waldo
"""

Cookies = tuple[tuple[str, str], ...]


@dataclass
class Filled:
    """`links`: what addresses in the table name in braces. `people`: their cookies, by name."""

    links: dict[str, str] = field(default_factory=dict)
    people: dict[str, Cookies] = field(default_factory=dict)


class Filler:
    def __init__(
        self, world: World, site: Site, pages: Pages, mailbox: Mailbox, clock: Clock
    ) -> None:
        self.world, self.site, self.pages, self.mailbox, self.clock = (
            world, site, pages, mailbox, clock,
        )  # fmt: skip
        self.made = Filled()

    def fill(self) -> Filled:
        world = self.world
        self.made.people = {
            "visitor": (),
            "jo": ((f"visit-{world.salon.slug}", world.jo.person.cookie),),
            "sam": ((f"visit-{world.salon.slug}", world.sam.person.cookie),),
            "owner": (("manage", world.owner.cookie),),
            "manager": (("manage", world.manager.cookie),),
            "operator": (("manage", world.operator.cookie),),
        }
        self.made.links |= {
            "service": str(world.salon.grooming),
            "staff": str(world.salon.ana),
            "jo": str(world.jo.id),
            "rex": str(world.jo.pet_ids[0]),
            "visit": str(world.jo.visit),
            "past": str(world.jo.past_visit_id),
            "kim": str(world.kim.id),
            "pat": str(world.pat.id),
        }
        self._a_full_diary()
        self._guests()
        self._invitations()
        self.made.links |= what_comes_back(self.site, self.pages, self.mailbox)
        self._lists()
        self._people_who_look_alike()
        self._more_sessions()
        self._members()
        self._forgotten_passwords_and_other_addresses()
        self._signing_up()
        self._second_steps()
        self._registered_computers()
        self._readers_of_help()
        self._a_new_business()
        self.made.links |= service_notices(self.pages, self.mailbox)
        return self.made

    def pays(self, sandbox: Sandbox) -> None:
        """The salon has a plan with a price, a card, and its first invoice paid."""
        sent = {"payment_token": sandbox.token(), "accept_terms": "yes"}
        self.pages.owner.request("POST", f"{DESK}/billing/card", data=sent)
        with self.site.writing() as session:
            choose_plan(session, "standard", by=SYSTEM)
        jobs.tend_billing(self.site.database)

    def _a_full_diary(self) -> None:
        salon = self.world.salon
        today = datetime.fromisoformat("2027-03-01T10:00:00-05:00")
        plan = (
            (0, 0, salon.ana, None), (0, 90, salon.ben, None), (0, 180, salon.ana, None),
            (1, 0, salon.ben, None), (2, 240, salon.ana, None), (3, 30, salon.ben, None),
            (-3, 0, salon.ana, decide.complete), (-3, 120, salon.ana, decide.no_show),
            (4, 60, salon.ana, change.cancel),
        )  # fmt: skip
        with self.site.writing() as session:
            people = []
            for name in MANY:
                first, _, last = name.partition(" ")
                email = f"{last.lower()}@example.com"
                client = make.client(session, first_name=first, last_name=last, email=email)
                make.pet(session, client, name=f"{first[0]}. Fluff", breed="Spaniel")
                people.append(client)
            for at, (days, minutes, staff, then) in enumerate(plan):
                when = today + timedelta(days=days, minutes=minutes)
                client = people[at % len(people)]
                visit = make.appointment(session, client, salon.grooming, staff, when)
                if then is not None:
                    then(session, visit, by=OLIVIA)
                self.made.links[f"visit_{at}"] = str(visit.id)
            make.client(session, first_name="Gone", email="gone@example.com", status="inactive")
            make.client(session, first_name="Wrong", last_name="Address", email="not an address")
        self.site.prefer(
            "cancel_and_reschedule",
            policy_text="Please tell us a day before. We are kind about it.",
        )

    def _guests(self) -> None:
        """One asks for a visit and waits; one is booked, with an address we know."""
        about = {"first_name": "Nora", "last_name": "Quist", "note": "She is shy."}
        self.site.prefer("staff_and_confirmation", confirmation_mode="approve")
        page = at_check(at_details(self.pages.visitor(), self.world), "nora@example.com", **about)
        page = page.submit("/book/confirm")
        self.made.links["guest_new"] = page.path
        self.site.prefer("staff_and_confirmation", confirmation_mode="instant")
        later = str(int(MARCH_2_AT_ONE) + 2 * 3600)
        page = at_details(self.pages.visitor(), self.world, start=later)
        page = at_check(page, self.world.kim.email).submit("/book/confirm")
        self.made.links["guest"] = page.path.partition("?")[0]
        letter = self.mailbox.latest(self.world.kim.email)
        self.made.links["claim"] = letter.link("/happy-paws/confirm/")
        found = self.pages.owner.get(DESK)
        links = (href for _, href in found.links)
        match = next(
            filter(None, (re.search(r"/appointments/([0-9a-f-]{36})$", at) for at in links))
        )
        self.made.links["request"] = match[1]

    def _invitations(self) -> None:
        page = self.pages.owner.get(f"{DESK}/clients/invite?answer=yes").submit("/clients/invite")
        self.made.links["campaign"] = page.path
        letter = self.mailbox.latest(self.world.kim.email)
        self.made.links |= {"invitation": letter.link("/i/"), "stop": letter.link("/u/")}
        with self.site.writing() as session:
            for name in ("Olga", "Paul", "Rosa"):
                email = f"{name.lower()}@example.com"
                newest = make.client(session, first_name=name, last_name="Later", email=email)
            self.made.links["newest"] = str(newest.id)

    def _lists(self) -> None:
        def upload(text: str) -> Page:
            file = {"file": ("our clients.csv", text.encode(), "text/csv")}
            page = self.pages.owner.get(f"{DESK}/imports").submit("/imports", files=file)
            jobs.apply_due_imports(self.site.database)
            return page

        def bring_in(text: str) -> Page:
            page = upload(text)
            self.pages.owner.request("POST", f"{page.path}/apply")
            jobs.apply_due_imports(self.site.database)
            return page.browser.get(page.path)

        self.made.links["import"] = bring_in(LIST).path
        undone = bring_in(OTHER_LIST)
        undone.follow("Fay Hart").follow("Change details").submit("/edit", notes="Rang us")
        self.pages.owner.request("POST", f"{undone.path}/undo")
        jobs.undo_due_imports(self.site.database)
        self.made.links["undone"] = undone.path
        self.made.links["tried"] = upload(LIST.replace("90", "80")).path
        self.made.links["mapping"] = upload(UNKNOWN_LIST).path
        self.made.links["undoing"] = bring_in(OTHER_LIST.replace("91", "92")).path
        self.pages.owner.request("POST", f"{self.made.links['undoing']}/undo")

    def _people_who_look_alike(self) -> None:
        self.made.links |= people_who_look_alike(self.site, self.pages)

    def _more_sessions(self) -> None:
        with self.site.writing() as session:
            for person in (self.world.owner, self.world.jo.person):
                account = session.get_one(Account, person.account_id)
                for device in ("Firefox on Windows", "Safari on iPhone"):
                    open_session(session, account, kind=SessionKind.BROWSER, device=device, days=30)

    def _members(self) -> None:
        sent = {"email": "petra@example.com", "name": "Petra Planned", "role": "manager"}
        self.pages.owner.request("POST", f"{DESK}/members", data=sent)
        self.made.links["join"] = self.mailbox.latest("petra@example.com").link("/manage/join/")
        sent = {"email": self.world.manager.email, "name": "Mark", "role": "staff"}
        self.pages.outsider.request("POST", "/manage/outsiders-kennels/members", data=sent)
        link = self.mailbox.latest(self.world.manager.email).link("/manage/join/")
        self.pages.manager.request("POST", link)

    def _forgotten_passwords_and_other_addresses(self) -> None:
        world = self.world
        self.pages.visitor().get(f"{SITE}/forgot").submit("", email=world.jo.email)
        self.made.links["reset"] = self.mailbox.latest(world.jo.email).link("/happy-paws/reset/")
        self.pages.visitor().get("/manage/forgot").submit("", email=world.owner.email)
        self.made.links["staff_reset"] = self.mailbox.latest(world.owner.email).link(
            "/manage/reset/"
        )
        sent = {"email": "sam.new@example.com", "current_password": PASSWORD}
        self.pages.other_client.request("POST", f"{SITE}/account/email", data=sent)
        self.made.links["email"] = self.mailbox.latest(sent["email"]).link("/happy-paws/email/")
        sent = {"email": "olivia.new@example.com", "current_password": PASSWORD}
        self.pages.owner.request("POST", "/manage/security/email", data=sent)
        self.made.links["staff_email"] = self.mailbox.latest(sent["email"]).link("/manage/email/")

    def _signing_up(self) -> None:
        """Ida waits for her code; a household of two has proved its address and is to choose."""
        self.site.prefer("client_settings", self_registration="always")
        ida = self._sign_up("ida@example.com")
        self._keep("signing_up", ida.browser)
        letter = self.mailbox.latest("ida@example.com")
        self.made.links["sign_up"] = letter.link("/happy-paws/sign-up/confirm/")
        with self.site.writing() as session:
            for name, pet in (("Tom", "Olive"), ("Tara", "Basil")):
                client = make.client(session, first_name=name, email="twins@example.com")
                make.pet(session, client, name=pet)
        page = self._sign_up("twins@example.com")
        page = page.submit("/confirm", code=self.mailbox.latest("twins@example.com").code)
        assert page.path.startswith(f"{SITE}/choose"), page
        self._keep("household", page.browser)

    def _sign_up(self, email: str) -> Page:
        page = self.pages.visitor().get(f"{SITE}/sign-up")
        return page.submit(
            "/sign-up", first_name="Tara", last_name="Twin", email=email, password=NEW_PASSWORD
        )

    def _second_steps(self) -> None:
        """The manager sets one up; Stella has one and is half signed in."""
        self.pages.manager.get("/manage/security").submit("second-step")
        page = self.pages.staff.get("/manage/security").submit("second-step")
        found = re.search(r"<code>(.*?)</code>", page.html)
        assert found
        app = pyotp.TOTP(html.unescape(found[1]).replace(" ", ""))
        page.submit("confirm", code=app.at(self.clock.now()), current_password=PASSWORD)
        page = self.pages.visitor().get("/manage/sign-in")
        page = page.submit("", email=self.world.staff.email, password=PASSWORD)
        assert page.path.startswith("/manage/sign-in/code"), page
        self._keep("half_in", page.browser)

    def _readers_of_help(self) -> None:
        for article, answer in (("invite-everyone", "yes"), ("import-a-list", "no")):
            page = self.pages.visitor().get(f"/help/{article}").submit("helpful", button=answer)
        page.submit("comment", comment="Which file do I take out of my old program?")

    def _registered_computers(self) -> None:
        """Two in use, and one that was lost."""
        with self.site.writing() as session:
            for name in ("Front desk", "Grooming room", "Old laptop"):
                program = Program("booking", f"installed-on-{name.replace(' ', '-')}", name)
                granted = licensing.register(session, program, by=OLIVIA)
            licensing.end(session, granted.registration, RegistrationState.REVOKED, by=OLIVIA)

    def _a_new_business(self) -> None:
        """As it is on its first day."""
        with self.site.database.writing() as session:
            new = NewBusiness("first-day", "First Day", "Europe/Berlin", "fay@example.com", "Fay")
            create_business(session, new, password_hash=None, by=SYSTEM)
            owner = businesses.owners(session)[0]
            cookie, _ = open_session(
                session, owner, kind=SessionKind.BROWSER, device="a test", days=30
            )
            fay = Person(owner.id, owner.name, owner.email, token="", cookie=cookie)
        self.made.people["new_owner"] = (("manage", fay.cookie),)

    def _keep(self, name: str, browser: Browser) -> None:
        jar = browser.visitor.cookies.jar
        self.made.people[name] = tuple(
            (each.name, each.value or "") for each in jar if each.name != "flash"
        )
