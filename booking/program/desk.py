"""One installation at work: it registers, renews when that is due, and gives its seat back."""

from dataclasses import dataclass, replace
from pathlib import Path

from booking import clock
from booking.errors import Conflict
from booking.program import keeping
from booking.program.keeping import Kept, Registration
from booking.program.licence import Ended, Forged, Keys, Licence, is_signed_by, verified
from booking.program.server import PRODUCT, Answer, Refused, Server
from booking.serial_numbers import Kind, Mistyped, SerialNumber, read


class NotRegistered(Conflict):
    code = "not_registered"
    message = "The program is not registered on this computer."


class WrongNumber(Conflict):
    code = "serial_number_wrong"
    message = "This is not a serial number. Compare each character with the e-mail."


@dataclass(frozen=True, slots=True)
class Login:
    """What is typed to register. `business` is needed by owners of several."""

    server: str
    username: str
    password: str
    code: str = ""
    business: str = ""

    def sent(self) -> dict[str, str]:
        asked = {"code": self.code, "business": self.business}
        given = {name: value for name, value in asked.items() if value}
        return {"username": self.username, "password": self.password, **given}

    def with_code(self, code: str) -> "Login":
        return replace(self, code=code)

    def of_business(self, slug: str) -> "Login":
        return replace(self, business=slug)


class Desk:
    def __init__(self, folder: Path) -> None:
        """Raises keeping.Unreadable."""
        self._folder = folder
        self.kept: Kept = keeping.load(folder)

    @property
    def registration(self) -> Registration:
        """Raises NotRegistered."""
        if self.kept.registration is None:
            raise NotRegistered
        return self.kept.registration

    @property
    def licence(self) -> Licence:
        """Verified with the keys that are kept. Raises NotRegistered, Forged."""
        kept = self.registration
        return verified(kept.licence, kept.keys, installation_id=self.kept.installation_id)

    @property
    def typed_number(self) -> SerialNumber:
        """The temporary serial number that was typed. Raises NotRegistered."""
        if not self.kept.typed_number:
            raise NotRegistered
        return read(self.kept.typed_number)

    @property
    def renewal_is_due(self) -> bool:
        kept = self.kept.registration
        return kept is not None and clock.now() >= kept.next_check_at

    def expect_usable(self) -> None:
        """What the program asks at each start: is there a licence, or a number, that counts today?

        Raises NotRegistered, Forged, Ended, ClockWrong.
        """
        if self.kept.registration is None:
            expect_counts(self.typed_number)
        else:
            self.licence.expect_valid(clock.now())

    def register(self, login: Login) -> None:
        """Raises Invalid, Refused, Unreachable, Forged."""
        server = Server(login.server)
        machine = {
            "product": PRODUCT,
            "installation_id": self.kept.installation_id,
            "machine_name": self.kept.machine_name,
        }
        answer = server.register({**login.sent(), **machine})
        self._keep(server, login.username, answer, keys=[])

    def renew(self) -> None:
        """Raises NotRegistered, Refused, Unreachable, Forged. A registration that has ended is
        forgotten at once, with its licence."""
        kept = self.registration
        server = Server(kept.server)
        try:
            answer = server.renew(kept.id, kept.registration_token)
        except Refused as refusal:
            if refusal.code in {"released", "revoked"}:
                self._save(registration=None)
            raise
        self._keep(server, kept.username, answer, keys=kept.keys)

    def release(self) -> None:
        """Give the seat back. Raises NotRegistered, Refused, Unreachable."""
        kept = self.registration
        try:
            Server(kept.server).release(kept.id, kept.registration_token)
        except Refused as refusal:
            if refusal.code not in {"released", "revoked"}:
                raise
        self._save(registration=None)

    def type_number(self, typed: str) -> SerialNumber:
        """Use a temporary serial number as long as nothing is registered. Raises WrongNumber,
        Ended."""
        try:
            number = read(typed)
        except Mistyped as error:
            raise WrongNumber from error
        if number.kind is not Kind.TEMPORARY:
            raise WrongNumber("This number belongs to a registered computer. Register this one.")
        expect_counts(number)
        self._save(typed_number=str(number))
        return number

    def _keep(self, server: Server, username: str, answer: Answer, *, keys: Keys) -> None:
        """Only what is verified is kept."""
        known = keys if is_signed_by(answer.licence, keys) else server.keys()
        licence = verified(answer.licence, known, installation_id=self.kept.installation_id)
        if (licence.registration_id, licence.product) != (answer.id, PRODUCT):
            raise Forged
        registration = Registration(
            server=server.url,
            username=username,
            id=answer.id,
            registration_token=answer.registration_token,
            serial_number=answer.serial_number,
            licence=answer.licence,
            keys=known,
            next_check_at=answer.next_check_at,
        )
        self._save(registration=registration, typed_number="")

    def _save(self, **changes: object) -> None:
        self.kept = self.kept.model_copy(update=changes)
        keeping.save(self._folder, self.kept)


def expect_counts(number: SerialNumber) -> None:
    """Raises Ended."""
    today = clock.now().date()
    if not number.counts_on(today):
        last = number.last_day
        raise Ended(f"The serial number ended on {last.day} {last:%B %Y}. Type this month's.")
