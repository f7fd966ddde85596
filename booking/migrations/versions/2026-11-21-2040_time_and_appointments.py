"""Hours, what is given away, and appointments.

Revision ID: 2040_appointments
Revises: 2035_clients
"""

import sqlalchemy as sa
from alembic import op

from booking.availability.models import (
    POSTGRES_NO_OVERLAP,
    SQLITE_NO_OVERLAP,
)

revision = "2040_appointments"
down_revision = "2035_clients"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_calendar()
    _create_calendar_feed()
    _create_closure()
    _create_opening_hours()
    _create_appointment()
    _create_busy()
    _create_staff_hours()
    _create_time_off()


def downgrade() -> None:
    for table in (
        "time_off",
        "staff_hours",
        "busy",
        "appointment",
        "opening_hours",
        "closure",
        "calendar_feed",
        "calendar",
    ):
        op.drop_table(table)


def _create_calendar() -> None:
    op.create_table(
        "calendar",
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("week_mark", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_calendar_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", name=op.f("pk_calendar")),
    )


def _create_calendar_feed() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_calendar_feed_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint(
            "business_id", "account_id", name=op.f("uq_calendar_feed_business_id_account_id")
        ),
        sa.UniqueConstraint("digest", name=op.f("uq_calendar_feed_digest")),
    )


def _create_closure() -> None:
    op.create_table(
        "closure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_closure_order")),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_closure_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
    )
    op.create_index("ix_closure_business", "closure", ["business_id", "last_day"], unique=False)


def _create_opening_hours() -> None:
    op.create_table(
        "opening_hours",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("end_minute <= 1440", name=op.f("ck_opening_hours_day")),
        sa.CheckConstraint(
            "start_minute >= 0 AND start_minute < end_minute", name=op.f("ck_opening_hours_order")
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_opening_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_opening_hours_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_hours")),
    )
    op.create_index("ix_opening_hours_business", "opening_hours", ["business_id"], unique=False)


def _create_appointment() -> None:
    op.create_table(
        "appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "confirmed",
                "declined",
                "cancelled",
                "completed",
                "no_show",
                name="appointmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=True),
        sa.Column("service_name", sa.String(length=100), nullable=False),
        sa.Column("price_minor", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=True),
        sa.Column("mobile_phone", sa.String(length=60), nullable=False),
        sa.Column("pets", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column(
            "booked_by",
            sa.Enum(
                "guest",
                "client",
                "staff",
                name="bookedby",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("policy_id", sa.Uuid(), nullable=True),
        sa.Column("hold_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reschedules", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("manage_digest", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_appointment_order")),
        sa.ForeignKeyConstraint(
            ["business_id", "client_id"],
            ["client.business_id", "client.id"],
            name=op.f("fk_appointment_business_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "policy_id"],
            ["policy_version.business_id", "policy_version.id"],
            name=op.f("fk_appointment_business_id_policy_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "service_id"],
            ["service.business_id", "service.id"],
            name=op.f("fk_appointment_business_id_service_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "staff_id"],
            ["staff_member.business_id", "staff_member.id"],
            name=op.f("fk_appointment_business_id_staff_id"),
        ),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_appointment_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_appointment_business_id_id")),
        sa.UniqueConstraint("manage_digest", name=op.f("uq_appointment_manage_digest")),
    )
    op.create_index(
        "ix_appointment_client_start",
        "appointment",
        ["client_id", "business_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_appointment_email", "appointment", ["business_id", "email_key"], unique=False
    )
    op.create_index(
        "ix_appointment_start", "appointment", ["business_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_appointment_state", "appointment", ["state", "hold_expires_at"], unique=False
    )


def _create_busy() -> None:
    op.create_table(
        "busy",
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("ends_at - starts_at <= 172800", name=op.f("ck_busy_length")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_busy_order")),
        sa.ForeignKeyConstraint(
            ["business_id", "staff_id"],
            ["staff_member.business_id", "staff_member.id"],
            name=op.f("fk_busy_business_id_staff_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["business.id"], name=op.f("fk_busy_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("appointment_id", name=op.f("pk_busy")),
    )
    op.create_index("ix_busy_overlap", "busy", ["staff_id", "starts_at", "ends_at"], unique=False)
    op.create_index(
        "ix_busy_staff_ends",
        "busy",
        ["business_id", "ends_at", "starts_at", "staff_id"],
        unique=False,
    )
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in POSTGRES_NO_OVERLAP if is_postgres else SQLITE_NO_OVERLAP:
        op.execute(statement)


def _create_staff_hours() -> None:
    op.create_table(
        "staff_hours",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("end_minute <= 1440", name=op.f("ck_staff_hours_day")),
        sa.CheckConstraint(
            "start_minute >= 0 AND start_minute < end_minute", name=op.f("ck_staff_hours_order")
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_staff_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["business_id", "staff_id"],
            ["staff_member.business_id", "staff_member.id"],
            name=op.f("fk_staff_hours_business_id_staff_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_staff_hours_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_hours")),
    )
    op.create_index(
        "ix_staff_hours_staff", "staff_hours", ["business_id", "staff_id"], unique=False
    )


def _create_time_off() -> None:
    op.create_table(
        "time_off",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_time_off_order")),
        sa.ForeignKeyConstraint(
            ["business_id", "staff_id"],
            ["staff_member.business_id", "staff_member.id"],
            name=op.f("fk_time_off_business_id_staff_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_time_off_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_off")),
    )
    op.create_index(
        "ix_time_off_staff", "time_off", ["business_id", "staff_id", "ends_at"], unique=False
    )
