"""What came back: delivery reports (RFC 3464) and complaints (RFC 5965), read and not believed.

Whose mail it was is told by the signed mark alone, in the address the report was sent to (or, in a
complaint, in the sender it quotes). Nothing else in it counts: anybody may write a report.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.utils import getaddresses
from enum import StrEnum

from booking.config import Settings
from booking.mail.marks import Mark, read_return_path

LARGEST = 256 * 1024
"""A report is read up to here; what follows is the mail it quotes."""


class Kind(StrEnum):
    """`hard`: there is no such address. `refused`: for good, but nothing is wrong with the address
    (policy, size). `soft`: for now, or nobody can tell. `delivered`: it arrived after all."""

    HARD = "hard"
    REFUSED = "refused"
    SOFT = "soft"
    COMPLAINT = "complaint"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Bounce:
    """`code` as in RFC 3463 (`5.1.1`) or empty; `reason` in the words of whoever refused."""

    kind: Kind
    mark: Mark
    code: str = ""
    reason: str = ""


_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_BEGINS = re.compile(
    r"\s*(?:smtp\s*;)?\s*(?:([245]\d\d)(?!\d)[ -]*)?(?:([245]\.\d{1,3}\.\d{1,3})(?![\d.]))?"
)
_NO_SUCH_ADDRESS = {550, 551, 553}
_NOT_THE_RECIPIENT = {"5", "7", "8", "9"}
_DISABLED_OR_NOWHERE = {"5.2.1", "5.4.4"}


def says_no_such_address(code: int | None, text: str, *, at_recipient: bool = True) -> bool:
    """Does this answer of a mail server mean that nobody has that address?

    5.1.x does, but for those about the sender; so do a disabled mailbox and a domain that leads
    nowhere. Without an enhanced code 550, 551 and 553 do, if they were said to the recipient: to
    the message itself they are said for what is in it.
    """
    enhanced = _enhanced(text)
    if enhanced and not enhanced.endswith(".0.0"):
        return _is_wrong_address(enhanced)
    return at_recipient and not enhanced and code in _NO_SUCH_ADDRESS


def _is_wrong_address(enhanced: str) -> bool:
    kind, subject, detail = enhanced.split(".")
    if kind != "5":
        return False
    return enhanced in _DISABLED_OR_NOWHERE or (subject == "1" and detail not in _NOT_THE_RECIPIENT)


def _enhanced(text: str) -> str:
    """The code an answer begins with; what stands further on may be an address of a machine."""
    found = _BEGINS.match(text)
    return (found[2] or "") if found else ""


def told(code: str, reason: str) -> Kind:
    """What a failure with that code is, given as `5.1.1`, `550` or both; unknown is soft."""
    answer = f"{code.strip()} {reason.strip()}".strip()
    found = _BEGINS.match(answer)
    smtp = int(found[1]) if found and found[1] else None
    enhanced = _enhanced(answer)
    if enhanced.endswith(".0.0") or (smtp is None and not enhanced):
        more = _BEGINS.match(reason)
        smtp = int(more[1]) if more and more[1] else smtp
        answer = reason if more and (more[1] or more[2]) else answer
        enhanced = _enhanced(answer)
    if says_no_such_address(smtp, answer):
        return Kind.HARD
    says_no = enhanced.startswith("5") and not enhanced.endswith(".0.0")
    return Kind.REFUSED if says_no or (not enhanced and (smtp or 0) // 100 == 5) else Kind.SOFT


def read(raw: bytes, settings: Settings) -> Bounce | None:
    """None for what is no report, holds no mark of ours, or only says that all went well."""
    try:
        message = message_from_bytes(raw[:LARGEST])
        complaint = _part(message, "message/feedback-report")
        if complaint is not None:
            return _complaint(message, complaint, settings)
        mark = _marked(_recipients(message), settings)
        report = _part(message, "message/delivery-status")
        if mark is None or _is_answering_machine(message):
            return None
        return _report(report, mark) if report is not None else _unknown(message, mark)
    except (MessageError, ValueError, LookupError):
        return None


def _part(message: Message, kind: str) -> Message | None:
    return next((part for part in message.walk() if part.get_content_type() == kind), None)


def _recipients(message: Message) -> Iterator[str]:
    """To whom the report itself went, as mail servers note it."""
    names = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc")
    values = [str(value) for name in names for value in message.get_all(name, [])]
    return (address for _, address in getaddresses(values))


def _marked(addresses: Iterator[str], settings: Settings) -> Mark | None:
    found = (read_return_path(address, settings) for address in addresses)
    return next((mark for mark in found if mark is not None), None)


def _is_answering_machine(message: Message) -> bool:
    """Somebody is on holiday: that is no bounce."""
    automatic = str(message.get("Auto-Submitted", "")).strip().lower()
    return automatic.startswith("auto-replied") and message.get_content_type() != "multipart/report"


def _report(report: Message, mark: Mark) -> Bounce | None:
    """The worst of what is said of the recipients; there is only one in a mail of ours."""
    for fields in _groups(report):
        action = str(fields.get("Action", "")).strip().lower()
        status = _ENHANCED.search(str(fields.get("Status", "")))
        diagnosis = _words(str(fields.get("Diagnostic-Code", "")).partition(";")[2])
        code = status[0] if status else ""
        if action == "failed":
            return Bounce(told(code, diagnosis), mark, code, diagnosis)
        if action == "delayed":
            return Bounce(Kind.SOFT, mark, code, diagnosis)
        if action in {"delivered", "relayed", "expanded"}:
            return None
    return Bounce(Kind.SOFT, mark)


def _groups(report: Message) -> list[Message]:
    """RFC 3464 §2.1: the first group is about the message, each further one about a recipient."""
    payload = report.get_payload()
    return (
        [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []
    )


def _unknown(message: Message, mark: Mark) -> Bounce:
    """Something was sent back, in no form that can be relied on."""
    return Bounce(Kind.SOFT, mark, "", _words(str(message.get("Subject", ""))))


def _complaint(message: Message, report: Message, settings: Settings) -> Bounce | None:
    fields = _fields(report)
    quoted = [str(value) for value in fields.get_all("Original-Mail-From", [])]
    mark = _marked(iter(quoted), settings) or _marked(_recipients(message), settings)
    if mark is None or str(fields.get("Feedback-Type", "")).strip().lower() == "not-spam":
        return None
    return Bounce(Kind.COMPLAINT, mark, "", "reported as unwanted")


def _fields(report: Message) -> Message:
    """The parser takes every `message/…` part for a message in a message."""
    payload = report.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else report
    return inner if isinstance(inner, Message) else report


def _words(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:300]
