"""Settings: every knob, its default, and why it refuses to start."""

import contextlib
import os
import secrets
import tempfile
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """One frozen object, read at the edge. What is absent chooses the embedded kind:

    no database URL, a SQLite file; no broker URL, a file broker beside it; no SMTP URL, a local
    mailbox.
    """

    model_config = SettingsConfigDict(
        env_prefix="BOOKING_", env_file=".env", frozen=True, extra="ignore"
    )

    environment: Environment = Environment.DEVELOPMENT
    data_dir: Path = Path("booking-data")
    database_url: str = ""
    broker_url: str = ""
    smtp_url: str = ""
    public_url: str = "http://localhost:8000"
    secret_key: str = ""
    mail_from: str = "booking@localhost.localdomain"
    bounce_domain: str = ""
    bounce_imap_url: str = ""
    mail_webhook_secret: str = ""
    dkim_key: str = ""
    dkim_selector: str = ""
    dkim_domain: str = ""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    rate_limits: Literal["on", "off"] = "on"
    clock_offset: int = 0
    debug: bool = False
    api_docs: Literal["auto", "on", "off"] = "auto"
    slot_guard: Literal["on", "off"] = "on"
    web_processes: int = Field(default=2, ge=1, le=64)
    web_threads: int = Field(default=16, ge=2, le=200)
    hashing_slots: int = Field(default_factory=lambda: max(1, os.cpu_count() or 1), ge=1, le=64)
    hashing_queue: int = Field(default=64, ge=0, le=10_000)
    argon2_memory_kib: int = Field(default=19_456, ge=19_456)
    argon2_time_cost: int = Field(default=2, ge=2)
    send_lease_seconds: int = Field(default=120, ge=1, le=3_600)
    invitation_connections: int = Field(default=1, ge=1, le=10)
    smtp_timeout_seconds: int = Field(default=30, ge=1, le=300)
    log_format: Literal["text", "json"] = "text"

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("public_url")
    @classmethod
    def _bare_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be like https://booking.example.com")
        return value.rstrip("/")

    @property
    def production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    @property
    def embedded_database(self) -> bool:
        return self.sqlalchemy_url.startswith("sqlite")

    @property
    def sqlalchemy_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.resolve()}/booking.sqlite3"

    @property
    def mailbox(self) -> Path | None:
        """The folder of the local mailbox, or None where a mail server is configured."""
        return None if self.smtp_url else self.data_dir / "mailbox"

    @property
    def bounces_go_to(self) -> str:
        """The domain of signed return paths; empty where nobody would read what arrives there."""
        if self.bounce_domain or not self.bounce_imap_url:
            return self.bounce_domain
        return self.mail_domain

    @property
    def mail_domain(self) -> str:
        return self.mail_from.rpartition("@")[2]

    @property
    def docs_are_open(self) -> bool:
        return self.api_docs == "on" or (self.api_docs == "auto" and not self.production)

    @cached_property
    def secret(self) -> str:
        """What every link, code and digest is keyed with."""
        return self.secret_key or self._kept_secret()

    def _kept_secret(self) -> str:
        """Outside production the secret is made once and kept in the data directory."""
        if self.production:
            raise ValueError("BOOKING_SECRET_KEY is not set")
        path = self.data_dir / "secret-key"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            descriptor, unfinished = tempfile.mkstemp(dir=self.data_dir)  # readable by us alone
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
            with contextlib.suppress(FileExistsError):  # another process was quicker
                Path(path).hardlink_to(unfinished)
            Path(unfinished).unlink()
        return path.read_text().strip()

    def objections(self) -> list[str]:
        """Why production refuses to start with these settings; empty outside production."""
        if not self.production:
            return []
        sqlite_with_many = self.embedded_database and self.web_processes > 1
        checks = {
            "BOOKING_SECRET_KEY must be your own secret of at least 32 characters": (
                len(self.secret_key) < 32 or len(set(self.secret_key)) < 10
            ),
            "BOOKING_PUBLIC_URL must begin with https://": (
                not self.public_url.startswith("https://")
            ),
            "BOOKING_DEBUG must be off": self.debug,
            "BOOKING_RATE_LIMITS must be on": self.rate_limits == "off",
            "BOOKING_CLOCK_OFFSET is for tests only": self.clock_offset != 0,
            "BOOKING_SLOT_GUARD must be on": self.slot_guard == "off",
            "BOOKING_BOUNCE_IMAP_URL must begin with imaps://": (
                bool(self.bounce_imap_url) and not self.bounce_imap_url.startswith("imaps://")
            ),
            "BOOKING_MAIL_WEBHOOK_SECRET must have at least 32 characters": (
                0 < len(self.mail_webhook_secret) < 32
            ),
            "BOOKING_DKIM_KEY and BOOKING_DKIM_SELECTOR belong together": (
                bool(self.dkim_key) != bool(self.dkim_selector)
            ),
            "BOOKING_SEND_LEASE_SECONDS must be at least four times BOOKING_SMTP_TIMEOUT_SECONDS: "
            "else a second worker may send what is still on its way": (
                self.send_lease_seconds < 4 * self.smtp_timeout_seconds
            ),
            "SQLite serves one web process: set BOOKING_DATABASE_URL to PostgreSQL, "
            "or BOOKING_WEB_PROCESSES=1": sqlite_with_many,
        }
        return [sentence for sentence, is_wrong in checks.items() if is_wrong]
