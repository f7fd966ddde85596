"""Preferences, clients and their pets, services and staff.

Revision ID: 2035_clients
Revises: 2030_businesses
"""

import sqlalchemy as sa
from alembic import op

revision = "2035_clients"
down_revision = "2030_businesses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_client()
    _create_policy_version()
    _create_preference_change()
    _create_preference_set()
    _create_service()
    _create_staff_member()
    _create_link()
    _create_performs()
    _create_pet()


def downgrade() -> None:
    for table in (
        "pet",
        "performs",
        "link",
        "staff_member",
        "service",
        "preference_set",
        "preference_change",
        "policy_version",
        "client",
    ):
        op.drop_table(table)


def _create_client() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=254), nullable=True),
        sa.Column("email_version", sa.Integer(), nullable=False),
        sa.Column("mobile_phone", sa.String(length=60), nullable=False),
        sa.Column("home_phone", sa.String(length=60), nullable=False),
        sa.Column("address_1", sa.String(length=200), nullable=False),
        sa.Column("address_2", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("region", sa.String(length=100), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("country", sa.String(length=60), nullable=False),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("marketing_email_ok", sa.Boolean(), nullable=True),
        sa.Column("sms_ok", sa.Boolean(), nullable=True),
        sa.Column("household", sa.String(length=100), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "inactive",
                name="clientstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("sort_name", sa.String(length=250), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["business.id"], name=op.f("fk_client_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_client_business_id_id")),
    )
    op.create_index("ix_client_email", "client", ["business_id", "email_key"], unique=False)
    op.create_index("ix_client_external", "client", ["business_id", "external_id"], unique=False)
    op.create_index(
        "ix_client_sort_name", "client", ["business_id", "sort_name", "id"], unique=False
    )


def _create_policy_version() -> None:
    op.create_table(
        "policy_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=5000), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_policy_version_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_version")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_policy_version_business_id_id")),
        sa.UniqueConstraint(
            "business_id", "number", name=op.f("uq_policy_version_business_id_number")
        ),
    )


def _create_preference_change() -> None:
    op.create_table(
        "preference_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("account_name", sa.String(length=200), nullable=False),
        sa.Column("field", sa.String(length=80), nullable=False),
        sa.Column("old", sa.JSON(), nullable=False),
        sa.Column("new", sa.JSON(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_preference_change_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preference_change")),
    )
    op.create_index(
        "ix_preference_change_business_at", "preference_change", ["business_id", "at"], unique=False
    )


def _create_preference_set() -> None:
    op.create_table(
        "preference_set",
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_preference_set_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("business_id", name=op.f("pk_preference_set")),
    )


def _create_service() -> None:
    op.create_table(
        "service",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("buffer_before_minutes", sa.Integer(), nullable=True),
        sa.Column("buffer_after_minutes", sa.Integer(), nullable=True),
        sa.Column("price_minor", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_service_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_service_business_id_id")),
    )


def _create_staff_member() -> None:
    op.create_table(
        "staff_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_staff_member_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_member")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_staff_member_business_id_id")),
    )


def _create_link() -> None:
    op.create_table(
        "link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "linked_by",
            sa.Enum(
                "invitation",
                "confirmation",
                "choice",
                "staff",
                name="linkedby",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "client_id"],
            ["client.business_id", "client.id"],
            name=op.f("fk_link_business_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["business.id"], name=op.f("fk_link_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sa.UniqueConstraint("business_id", "client_id", name=op.f("uq_link_business_id_client_id")),
    )
    op.create_index("ix_link_account", "link", ["business_id", "account_id"], unique=False)


def _create_performs() -> None:
    op.create_table(
        "performs",
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "service_id"],
            ["service.business_id", "service.id"],
            name=op.f("fk_performs_business_id_service_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "staff_id"],
            ["staff_member.business_id", "staff_member.id"],
            name=op.f("fk_performs_business_id_staff_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["business.id"],
            name=op.f("fk_performs_business_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("service_id", "staff_id", name=op.f("pk_performs")),
    )
    op.create_index("ix_performs_staff", "performs", ["business_id", "staff_id"], unique=False)


def _create_pet() -> None:
    op.create_table(
        "pet",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("species", sa.String(length=60), nullable=False),
        sa.Column("breed", sa.String(length=100), nullable=False),
        sa.Column("coat", sa.String(length=60), nullable=False),
        sa.Column("color", sa.String(length=60), nullable=False),
        sa.Column("sex", sa.String(length=20), nullable=False),
        sa.Column("altered", sa.Boolean(), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("weight", sa.String(length=20), nullable=False),
        sa.Column("weight_unit", sa.String(length=10), nullable=False),
        sa.Column("vet_name", sa.String(length=100), nullable=False),
        sa.Column("vet_phone", sa.String(length=60), nullable=False),
        sa.Column("behaviour_notes", sa.Text(), nullable=False),
        sa.Column("vaccinations", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id", "client_id"],
            ["client.business_id", "client.id"],
            name=op.f("fk_pet_business_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["business.id"], name=op.f("fk_pet_business_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pet")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_pet_business_id_id")),
    )
    op.create_index("ix_pet_client", "pet", ["business_id", "client_id"], unique=False)
