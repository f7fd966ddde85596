"""Licensing: registrations of installed programs, and the serial numbers they were given.

Revision ID: 2420_licensing
Revises: 2410_billing
"""

import sqlalchemy as sa
from alembic import op

revision = "2420_licensing"
down_revision = "2410_billing"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("state = 'active'")
_OF_A_REGISTRATION = sa.text("registration_id IS NOT NULL")
_TEMPORARY = sa.text("registration_id IS NULL")


def upgrade() -> None:
    _create_registration()
    _create_serial_number()


def downgrade() -> None:
    op.drop_table("serial_number")
    op.drop_table("registration")


def _create_registration() -> None:
    op.create_table(
        "registration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.String(length=60), nullable=False),
        sa.Column("installation_id", sa.String(length=100), nullable=False),
        sa.Column("machine_name", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "active",
                "released",
                "revoked",
                name="registrationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("token_generation", sa.Integer(), nullable=False),
        sa.Column("registered_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_registration_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_registration_business_id_id")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_registration_token_digest")),
    )
    op.create_index(
        "uq_registration_active",
        "registration",
        ["business_id", "installation_id"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )


def _create_serial_number() -> None:
    op.create_table(
        "serial_number",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("registration_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=19), nullable=False),
        sa.Column("period_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "registration_id"],
            ["registration.business_id", "registration.id"],
            name=op.f("fk_serial_number_business_id_registration_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_serial_number_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_serial_number")),
        sa.UniqueConstraint("number", name=op.f("uq_serial_number_number")),
    )
    op.create_index(
        "uq_serial_number_period",
        "serial_number",
        ["business_id", "registration_id", "period_ends_at"],
        unique=True,
        sqlite_where=_OF_A_REGISTRATION,
        postgresql_where=_OF_A_REGISTRATION,
    )
    op.create_index(
        "uq_serial_number_temporary",
        "serial_number",
        ["business_id", "period_ends_at"],
        unique=True,
        sqlite_where=_TEMPORARY,
        postgresql_where=_TEMPORARY,
    )
