"""What was written to people: the local mailbox, emptied by the worker's own jobs."""

import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from email.parser import BytesParser
from functools import cached_property
from pathlib import Path

from booking.database import Database
from workers import jobs

_PARSER = BytesParser(policy=email.policy.default)


@dataclass(frozen=True, slots=True)
class Attached:
    name: str
    content_type: str
    content: bytes


class Mail:
    """One message as its receiver has it."""

    def __init__(self, raw: bytes, public_url: str) -> None:
        self.raw = raw
        self._public_url = public_url
        message = _PARSER.parsebytes(raw)
        assert isinstance(message, EmailMessage)
        self.message = message

    @property
    def to(self) -> str:
        """The bare address."""
        return str(self.message["To"].addresses[0].addr_spec)

    @property
    def sender(self) -> str:
        """As shown: `Happy Paws <booking@…>`."""
        return str(self.message["From"])

    @property
    def reply_to(self) -> str:
        return str(self.message["Reply-To"] or "")

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @cached_property
    def text(self) -> str:
        return self._body("plain")

    @cached_property
    def html(self) -> str:
        return self._body("html")

    @property
    def attachments(self) -> list[Attached]:
        return [_attached(part) for part in self.message.iter_attachments()]

    @property
    def links(self) -> list[str]:
        """All addresses of ours in the text part, as paths."""
        found = re.findall(re.escape(self._public_url) + r"(/[^\s<>\"]*)", self.text)
        return [path.rstrip(".,)") for path in found]

    def link(self, prefix: str) -> str:
        """The path of the link that begins so: `mail.link("/i/")`."""
        for path in self.links:
            if path.startswith(prefix):
                return path
        raise AssertionError(f"no link to {prefix}… in {self!r}:\n{self.text}")

    @property
    def code(self) -> str:
        """The six digits to type."""
        found = re.search(r"(?<![\w-])(\d{3}) ?(\d{3})(?![\w-])", self.text)
        assert found, f"no six-digit code in {self!r}:\n{self.text}"
        return found[1] + found[2]

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None, f"{self!r} has no {kind} part"
        return str(part.get_content())

    def __repr__(self) -> str:
        return f"<Mail to {self.to}: {self.subject}>"


def _attached(part: Message) -> Attached:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return Attached(part.get_filename() or "", part.get_content_type(), content)


class Mailbox:
    """All mail of a test so far; looking sends what is due first, as the worker would."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._known: dict[Path, Mail] = {}

    def send_due(self) -> None:
        """Run the worker's two rounds of sending once."""
        jobs.send_due_emails(self.database)
        jobs.send_due_invitations(self.database)

    def tell(self) -> None:
        """Run the worker's round that queues what is due of service notices."""
        jobs.tell_of_notices(self.database)

    def texts(self) -> list[tuple[str, str]]:
        """Send the texts that are due; (number, words) of every one so far, oldest first."""
        jobs.send_due_texts(self.database)
        folder = self.database.settings.text_log
        assert folder is not None, "this test texts a real provider"
        kept = [path.read_text() for path in sorted(folder.glob("*.txt"))]
        split = [each.partition("\n\n") for each in kept]
        return [(to.removeprefix("To: "), words.strip()) for to, _, words in split]

    def tend(self) -> None:
        """Run the worker's round that settles held campaigns and reminds."""
        jobs.tend_campaigns(self.database)

    def collect(self) -> list[Mail]:
        """Send what is due, and return what has arrived since the last look."""
        self.send_due()
        folder = self.database.settings.mailbox
        assert folder is not None, "this test sends to a real mail server"
        new = [path for path in sorted(folder.glob("*.eml")) if path not in self._known]
        for path in new:
            self._known[path] = Mail(path.read_bytes(), self.database.settings.public_url)
        return [self._known[path] for path in new]

    @property
    def seen(self) -> list[Mail]:
        """What was collected so far; nothing is sent."""
        return list(self._known.values())

    @property
    def all(self) -> list[Mail]:
        self.collect()
        return self.seen

    def to(self, address: str) -> list[Mail]:
        """Everything written to that address so far, oldest first."""
        return [mail for mail in self.all if mail.to == address]

    def latest(self, address: str) -> Mail:
        """The newest message to that address."""
        found = self.to(address)
        assert found, f"nothing was written to {address}; there is {self.all}"
        return found[-1]

    def __iter__(self) -> Iterator[Mail]:
        return iter(self.all)
