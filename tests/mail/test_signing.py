"""Every mail carries a signature that its receiver can check, where a key is configured."""

import base64
import uuid
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest
from dkim.crypto import parse_pem_private_key

from booking.accounts.emails import NoLoginHere
from booking.config import Settings
from booking.invitations.actions.sending import Claimed
from booking.invitations.delivery import Letters
from booking.invitations.emails import NOBODY, ClientInvitation
from booking.mail.message import Envelope, compose
from booking.mail.transports import open_transport
from tests.times import START

KEY = Path(__file__).parent / "dkim_key.pem"
ROW = uuid.UUID("01890000-0000-7000-8000-000000000001")


@pytest.fixture
def ours(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path,
        secret_key="of the signature's tests",
        mail_from="post@booking.example.com",
        dkim_key=str(KEY),
        dkim_selector="s1",
    )


def sent(settings: Settings, envelope: Envelope) -> bytes:
    """As it lies in the local mailbox."""
    assert list(open_transport(settings).send_many([envelope], lambda: True))
    assert settings.mailbox is not None
    [path] = settings.mailbox.glob("*.eml")
    return path.read_bytes()


def public_key(settings: Settings) -> Callable[..., bytes]:
    """What a receiver finds in the DNS."""
    private = parse_pem_private_key(KEY.read_bytes())
    numbers = b"".join(_integer(private[name]) for name in ("modulus", "publicExponent"))
    info = _tagged(0x30, bytes.fromhex("300d06092a864886f70d0101010500")
                   + _tagged(0x03, b"\0" + _tagged(0x30, numbers)))  # fmt: skip

    def lookup(name: bytes, timeout: int = 5) -> bytes:
        assert name.rstrip(b".") == f"s1._domainkey.{settings.mail_domain}".encode()
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(info)

    return lookup


def _integer(value: int) -> bytes:
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    size = length.to_bytes((length.bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if length < 128 else bytes([0x80 | len(size)]) + size) + content


def invitation(settings: Settings) -> Envelope:
    letter = ClientInvitation(
        sender_name="Zoë’s Salon",
        message="",
        days=14,
        feedback_id="a:b:invitation:booking",
        **NOBODY,
    )
    claimed = Claimed(ROW, 0, "jo@example.com", "Jörg", letter, 0, START, START, START, False)
    return Letters(settings).envelope(claimed)


def test_an_invitation_is_signed_with_its_list_headers(ours: Settings) -> None:
    raw = sent(ours, invitation(ours))
    assert dkim.verify(raw, dnsfunc=public_key(ours))
    for name in (
        b"List-Unsubscribe: <",
        b"List-Unsubscribe-Post: ",
        b"Feedback-ID: ",
        b"Subject: ",
    ):
        tampered = raw.replace(b"\r\n" + name, b"\r\n" + name + b"x")
        assert tampered != raw
        assert not dkim.verify(tampered, dnsfunc=public_key(ours)), name


def test_any_other_mail_is_signed_too(ours: Settings) -> None:
    email = NoLoginHere(path="/x", asked_for="a new password")
    envelope = compose(email, to="jo@example.com", row_id=ROW, written_at=START, settings=ours)
    assert dkim.verify(sent(ours, envelope), dnsfunc=public_key(ours))


@pytest.mark.parametrize(
    "wrong", [{"dkim_key": "nowhere.pem"}, {"dkim_key": "-----BEGIN odd"}, {"dkim_selector": ""}]
)
def test_with_a_key_that_cannot_be_used_mail_waits(ours: Settings, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="BOOKING_DKIM_KEY"):
        open_transport(ours.model_copy(update=wrong))


def test_the_key_may_be_given_itself(ours: Settings) -> None:
    in_one_line = KEY.read_text().replace("\n", "\\n")
    raw = sent(ours.model_copy(update={"dkim_key": in_one_line}), invitation(ours))
    assert dkim.verify(raw, dnsfunc=public_key(ours))
