"""What we text to those who want to be told of notices: the e-mails' words, on one line."""

import uuid
from datetime import datetime

from booking.accounts.emails import SERVICE
from booking.config import Settings
from booking.mail.wording import ShownText
from booking.notices.emails import OPENINGS, Said
from booking.notices.rules import say_window
from booking.texts.message import Text
from booking.tokens import Purpose, keyring

MOST_OF_A_TITLE = 80


class ConfirmText(Text):
    """To a number somebody typed: nothing comes to it until its owner agrees."""

    subscription_id: uuid.UUID
    hours: int

    def words(self, settings: Settings) -> str:
        secret = keyring(settings.secret).derive(Purpose.NOTICES_CONFIRM, self.subscription_id)
        return (
            f"{SERVICE.name}: to get service notices on this number, open within {self.hours} hours"
            f" {settings.public_url}/status/confirm/{secret} Not you? Do nothing."
        )


class NoticeText(Text):
    """One thing about one notice, to one subscriber."""

    said: Said
    notice_id: uuid.UUID
    subscription_id: uuid.UUID
    title: ShownText
    starts_at: datetime
    ends_at: datetime
    timezone: str

    def words(self, settings: Settings) -> str:
        secret = keyring(settings.secret).derive(Purpose.NOTICES_STOP, self.subscription_id)
        title = " ".join(self.title.split())[:MOST_OF_A_TITLE]
        when = say_window(self.starts_at, self.ends_at, self.timezone)
        return (
            f"{SERVICE.name}. {OPENINGS[self.said]}: {title}. {when}."
            f" {settings.public_url}/status/{self.notice_id}"
            f" Stop: {settings.public_url}/u/n/{secret}"
        )
