"""Every email of the house: it renders, in both parts, with plain and with nasty values; its
secrets are derived while it is written and are nowhere among what is kept."""

import email.policy
import re
import types
import typing
import uuid
from collections.abc import Iterator
from datetime import timedelta
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from booking import metadata
from booking.config import Settings
from booking.database import new_id
from booking.mail.message import Email, Envelope, compose
from booking.tokens import Keyring
from tests.mailbox import Mail
from tests.processes import TOP
from tests.times import START

ROW = uuid.UUID("01890000-0000-7000-8000-000000000001")
NASTY = "<b>{{1237*7}}</b>{% x %} ' \" & Bär 🐕 \u202e https://evil.example/x"
PLAIN = {
    "timezone": "America/New_York",
    "slug": "happy-paws",
    "path": "/happy-paws",
    "role": "manager",
    "reply_to": "hello@happypaws.example.com",
    "business_email": "hello@happypaws.example.com",
    "email": "jo.bright@example.com",
    "new_address": "new@example.com",
    "price": "$60.00",
    "currency": "USD",
}
NEVER_TYPED = {"timezone", "slug", "path", "role", "price", "currency"}
KINDS = sorted(Email.kinds.values(), key=lambda kind: kind.__name__)
VARIANTS = ("everything", "least", "nasty")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("data"),
        secret_key="of the email tests",
        smtp_url="",
        public_url="https://booking.example.com",
        mail_from="post@booking.example.com",
    )


@pytest.fixture(params=KINDS, ids=lambda kind: str(kind.__name__))
def kind(request: pytest.FixtureRequest) -> type[Email]:
    found: type[Email] = request.param
    return found


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def written(kind: type[Email], variant: str) -> Email:
    return kind.model_validate(_values(kind, variant))


@pytest.fixture
def envelope(written: Email, settings: Settings) -> Envelope:
    return _compose(written, settings)


@pytest.fixture
def mail(envelope: Envelope, settings: Settings) -> Mail:
    return Mail(envelope.content, settings.public_url)


def test_it_has_a_subject_and_both_parts(mail: Mail) -> None:
    assert 5 < len(mail.subject) <= 100
    assert len(mail.text.strip()) > 40
    assert len(mail.html.strip()) > 200
    assert mail.html.lstrip().lower().startswith("<!doctype html>")


def test_nothing_is_left_of_the_templates_own_language(mail: Mail) -> None:
    for part in (mail.text, mail.html):
        part = part.replace("{{1237*7}}", "").replace("{% x %}", "")
        assert "{{" not in part
        assert "{%" not in part
        assert "None" not in part
        assert "Undefined" not in part
    assert "8659" not in mail.text


def test_what_people_typed_is_text_and_not_markup(mail: Mail) -> None:
    assert "<b>{{" not in mail.html
    assert "https://evil.example" not in mail.subject
    assert not any("evil.example" in link for link in _addresses(mail.html))


def test_its_links_are_all_ours_and_in_both_parts(mail: Mail, settings: Settings) -> None:
    in_html = {address for address in _addresses(mail.html) if address.startswith("http")}
    assert all(address.startswith(settings.public_url) for address in in_html)
    assert {f"{settings.public_url}{path}" for path in mail.links} == in_html


def test_its_headers_are_plain(mail: Mail, settings: Settings) -> None:
    assert mail.to == "jo.bright@example.com"
    assert mail.message["From"].addresses[0].addr_spec == settings.mail_from
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Date"].datetime == START
    assert mail.message["Bcc"] is None
    assert all(len(line) < 998 for line in mail.raw.split(b"\r\n"))


def test_a_line_break_never_makes_a_header(kind: type[Email], settings: Settings) -> None:
    values = _values(kind, "everything")
    broken = _everywhere(values, "Jo\r\nBcc: victim@example.com\r\n\r\nHello")
    try:
        written = kind.model_validate(broken)
        raw = _compose(written, settings).content
    except ValueError:
        return  # refused is as good
    headers = raw.split(b"\r\n\r\n", 1)[0]
    assert not re.search(rb"^bcc:", headers, re.IGNORECASE | re.MULTILINE)
    assert BytesParser(policy=email.policy.default).parsebytes(raw)["Bcc"] is None


def test_a_repeat_is_the_same_message(written: Email, settings: Settings) -> None:
    """The worker derives links, codes and the Message-ID again from the row."""
    first, second = (_compose(written, settings) for _ in range(2))
    mails = [Mail(each.content, settings.public_url) for each in (first, second)]
    assert mails[0].id == mails[1].id
    assert mails[0].text == mails[1].text
    assert mails[0].html == mails[1].html
    assert _compose(written, settings, new_id()).content != first.content


def test_no_secret_is_among_what_is_kept(
    written: Email, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    derived: list[str] = []
    for name in ("derive", "derive_code", "digest"):
        monkeypatch.setattr(Keyring, name, _noted(getattr(Keyring, name), derived))
    _compose(written, settings)
    kept = written.model_dump_json()
    assert derived, "the Message-ID at least"
    assert not [secret for secret in derived if secret in kept]


def test_its_fields_have_no_names_of_secrets(kind: type[Email]) -> None:
    suspicious = re.compile(r"token|secret|password|_code|link")
    assert [name for name in kind.model_fields if suspicious.search(name)] == []


def test_it_survives_the_database(written: Email) -> None:
    """It waits there as JSON."""
    assert type(written).model_validate(written.model_dump(mode="json")) == written


def test_the_worker_knows_the_emails_of_every_room() -> None:
    known = {module.__name__ for module in metadata.EMAILS}
    there = {f"booking.{path.parent.name}.emails" for path in (TOP / "booking").glob("*/emails.py")}
    assert there == known


def test_every_template_belongs_to_an_email() -> None:
    """The pieces that others include are named by their includers."""
    used = {kind.template for kind in KINDS}
    sources = [path for path in _templates() if path.parent.parent.name != "mail"]
    texts = "".join(path.read_text() for path in sources)
    for path in sources:
        name = f"{path.parent.parent.name}/{path.stem}"
        assert name in used or f"templates/{path.name}" in texts, path


def _templates() -> Iterator[Path]:
    for kind in ("*.txt", "*.html"):
        yield from (TOP / "booking").glob(f"[!w]*/templates/{kind}")


def _compose(written: Email, settings: Settings, row: uuid.UUID = ROW) -> Envelope:
    return compose(
        written,
        to="jo.bright@example.com",
        row_id=row,
        written_at=START,
        settings=settings,
    )


def _values(kind: type[BaseModel], variant: str) -> dict[str, Any]:
    return {
        name: _example(name, field.annotation, variant)
        for name, field in kind.model_fields.items()
        if variant != "least" or field.is_required()
    }


def _example(name: str, wanted: Any, variant: str) -> Any:
    arguments = get_args(wanted)
    if get_origin(wanted) is Annotated:
        return _example(name, arguments[0], variant)
    if get_origin(wanted) is Literal:
        return arguments[0] if variant == "everything" else arguments[-1]
    if get_origin(wanted) in (typing.Union, types.UnionType):
        if variant == "least" and type(None) in arguments:
            return None
        return _example(name, arguments[0], variant)
    if get_origin(wanted) in (tuple, list):
        return [] if variant == "least" else [_example(name, arguments[0], variant)] * 2
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        return _values(wanted, variant)
    if wanted is str:
        return _text(name, variant)
    plain = {
        "UUID": ROW,
        "int": 3,
        "bool": variant == "everything",
        "datetime": START + timedelta(hours=1) if "end" in name else START,
        "date": START.date(),
    }
    return plain[wanted.__name__]


def _text(name: str, variant: str) -> str:
    if variant == "nasty" and name not in NEVER_TYPED and "email" not in name:
        return NASTY if name not in {"reply_to", "new_address"} else PLAIN[name]
    if variant == "least" and name not in PLAIN:
        return ""
    return PLAIN.get(name, f"some {name.replace('_', ' ')}")


def _everywhere(values: Any, text: str) -> Any:
    if isinstance(values, dict):
        return {
            name: value if name in NEVER_TYPED else _everywhere(value, text)
            for name, value in values.items()
        }
    return text if isinstance(values, str) else values


def _noted(derive: Any, derived: list[str]) -> Any:
    def noted(*args: Any, **given: Any) -> Any:
        derived.append(derive(*args, **given))
        return derived[-1]

    return noted


def _addresses(html: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for name, value in attrs if name in {"href", "src"})

    Reader().feed(html)
    return found
