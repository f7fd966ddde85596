"""A mailbox over IMAP for tests: as much of RFC 3501 and RFC 4315 as a program that reads, flags
and deletes needs, on a port of this machine, in a thread."""

import contextlib
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_LITERAL = re.compile(rb"\{(\d+)\}$")


@dataclass
class Mailbox:
    """What is in the only folder, by its number for good (UID)."""

    user: str = "bounces"
    password: str = "let me in"
    messages: dict[int, bytes] = field(default_factory=dict)
    flags: dict[int, set[str]] = field(default_factory=dict)
    before_store: Callable[[], None] = lambda: None
    """Called when the client is about to flag or delete something."""

    def put(self, message: bytes) -> int:
        uid = max(self.messages, default=0) + 1
        self.messages[uid] = message
        self.flags[uid] = set()
        return uid


class _Session(socketserver.StreamRequestHandler):
    mailbox: Mailbox

    def handle(self) -> None:
        self._say("* OK here")
        while line := self.rfile.readline():
            line = self._with_literals(line.rstrip(b"\r\n"))
            tag, _, rest = line.decode().partition(" ")
            words = rest.split(" ", 2) if rest.upper().startswith("UID ") else rest.split(" ", 1)
            name = " ".join(words[:-1] if len(words) > 1 else words).upper()
            self._answer(tag, name, words[-1] if len(words) > 1 else "")
            if name == "LOGOUT":
                return

    def _with_literals(self, line: bytes) -> bytes:
        while found := _LITERAL.search(line):
            self._say("+ go on")
            value = self.rfile.read(int(found[1])) + self.rfile.readline().rstrip(b"\r\n")
            line = line[: found.start()] + value
        return line

    def _answer(self, tag: str, name: str, given: str) -> None:
        ways: dict[str, Callable[[str], str]] = {
            "CAPABILITY": self._capability,
            "LOGIN": self._login,
            "SELECT": self._select,
            "UID SEARCH": self._search,
            "UID FETCH": self._fetch,
            "UID STORE": self._store,
            "UID EXPUNGE": self._expunge,
            "LOGOUT": lambda _: "OK",
        }
        way = ways.get(name)
        self._say(f"{tag} {way(given) if way else 'BAD unknown'} {name}")

    def _capability(self, _: str) -> str:
        self._say("* CAPABILITY IMAP4rev1 UIDPLUS")
        return "OK"

    def _login(self, given: str) -> str:
        user, _, password = given.replace('"', "").partition(" ")
        wanted = (self.mailbox.user, self.mailbox.password)
        return "OK" if (user, password) == wanted else "NO"

    def _select(self, given: str) -> str:
        self._say(f"* {len(self.mailbox.messages)} EXISTS")
        return "OK [READ-WRITE]" if given.strip('"') == "INBOX" else "NO"

    def _search(self, given: str) -> str:
        assert given == "UNSEEN"
        found = [uid for uid, flags in self.mailbox.flags.items() if "\\Seen" not in flags]
        self._say(f"* SEARCH {' '.join(map(str, found))}".rstrip())
        return "OK"

    def _fetch(self, given: str) -> str:
        uid, most = re.fullmatch(r"(\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", given).groups()  # type: ignore[union-attr]
        part = self.mailbox.messages[int(uid)][: int(most)]
        self._say(f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(part)}}}")
        self.wfile.write(part)
        self._say(")")
        return "OK"

    def _store(self, given: str) -> str:
        self.mailbox.before_store()
        uid, flag = re.fullmatch(r"(\d+) \+FLAGS\.SILENT \((\\\w+)\)", given).groups()  # type: ignore[union-attr]
        self.mailbox.flags[int(uid)].add(flag)
        return "OK"

    def _expunge(self, given: str) -> str:
        if "\\Deleted" in self.mailbox.flags.get(int(given), set()):
            del self.mailbox.messages[int(given)], self.mailbox.flags[int(given)]
        return "OK"

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextlib.contextmanager
def serve(mailbox: Mailbox) -> Iterator[str]:
    """The address of the mailbox, as BOOKING_BOUNCE_IMAP_URL wants it."""
    handler = type("Session", (_Session,), {"mailbox": mailbox})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        password = mailbox.password.replace(" ", "%20")
        yield f"imap://{mailbox.user}:{password}@127.0.0.1:{server.server_address[1]}/INBOX"
        server.shutdown()
