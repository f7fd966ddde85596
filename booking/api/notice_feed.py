"""Service notices as an Atom feed (RFC 4287)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from booking import clock
from booking.accounts.emails import SERVICE
from booking.config import Settings
from booking.notices.queries import Posted
from booking.notices.rules import say_moment, say_window

_NEVER = datetime(2026, 1, 1, tzinfo=UTC)
_ATOM = "http://www.w3.org/2005/Atom"


def feed(found: Sequence[Posted], settings: Settings) -> bytes:
    Xml.register_namespace("", _ATOM)
    root = Xml.Element(f"{{{_ATOM}}}feed")
    page = f"{settings.public_url}/status"
    changed = max(
        (each.notice.changed_at for each in found), default=datetime(2026, 1, 1, tzinfo=UTC)
    )
    _add(root, "id", page)
    _add(root, "title", f"Service notices – {SERVICE.name}")
    _add(root, "updated", changed.isoformat())
    _link(root, "alternate", page)
    _link(root, "self", f"{settings.public_url}/api/v1/notices.atom")
    _add(_add(root, "author"), "name", SERVICE.name)
    for posted in found:
        _entry(root, posted, settings)
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _entry(root: Xml.Element, posted: Posted, settings: Settings) -> None:
    notice, entry = posted.notice, _add(root, "entry")
    state = posted.state(clock.now()).value.replace("_", " ")
    _add(entry, "id", f"urn:uuid:{notice.id}")
    _add(entry, "title", f"{notice.title} ({state})")
    _add(entry, "published", notice.posted_at.isoformat())
    _add(entry, "updated", notice.changed_at.isoformat())
    _link(entry, "alternate", f"{settings.public_url}/status/{notice.id}")
    for component in posted.components:
        _add(entry, "category").set("term", component.name)
    _add(entry, "content", _words(posted, settings.timezone)).set("type", "text")


def _words(posted: Posted, zone: str) -> str:
    notice = posted.notice
    lines = [say_window(notice.starts_at, notice.ends_at, zone), notice.text]
    lines += [f"{say_moment(each.at, zone)}: {each.text}" for each in posted.updates]
    return "\n\n".join(lines)


def _add(parent: Xml.Element, name: str, text: str | None = None) -> Xml.Element:
    child = Xml.SubElement(parent, f"{{{_ATOM}}}{name}")
    child.text = text
    return child


def _link(parent: Xml.Element, relation: str, address: str) -> None:
    link = _add(parent, "link")
    link.set("rel", relation)
    link.set("href", address)
