"""Service notices, who wants to be told of them, texts, and who runs the whole service.

Revision ID: 2430_notices
Revises: 2420_licensing
"""

import sqlalchemy as sa
from alembic import op

revision = "2430_notices"
down_revision = "2420_licensing"
branch_labels = None
depends_on = None

_COMPONENTS = (
    ("online_booking", "Online booking"),
    ("messaging", "Messaging"),
    ("remote_access", "Remote access"),
    ("memberships", "Memberships"),
    ("account_management", "Account management"),
    ("payroll", "Payroll"),
    ("billing", "Billing"),
    ("card_processing", "Card processing"),
    ("phone_lines", "Phone lines"),
)


def upgrade() -> None:
    op.create_table(
        "operator",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        _moment("added_at"),
        _belongs("operator", "account_id", "account.id"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_operator")),
    )
    _create_texts()
    _create_components()
    _create_notices()
    _create_tellings()
    _create_subscriptions()


def _create_texts() -> None:
    op.create_table(
        "outbound_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("to_phone", sa.String(length=16), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        _state(
            "state", "textstate", "queued", "sending", "sent", "deferred", "failed", "uncertain"
        ),
        _moment("due_at"),
        _moment("lease_until", nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        _moment("created_at"),
        _moment("sent_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_text")),
    )
    op.create_index("ix_outbound_text_due", "outbound_text", ["state", "due_at"])


def _create_components() -> None:
    table = op.create_table(
        "component",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("outside_url", sa.String(length=300), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_component")),
    )
    op.bulk_insert(
        table,
        [
            {"key": key, "name": name, "outside_url": "", "place": place}
            for place, (key, name) in enumerate(_COMPONENTS, start=1)
        ],
    )


def _create_notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        _state("kind", "kind", "incident", "maintenance", "holiday", "information"),
        _state("severity", "severity", "information", "degraded", "outage"),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        _moment("starts_at"),
        _moment("ends_at"),
        _state("promise", "promise", "end", "update"),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        _moment("resolved_at", nullable=True),
        _moment("posted_at"),
        _moment("changed_at"),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_notice_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_ends", "notice", ["ends_at"])
    _index_where("ix_notice_read_only", "notice", ["ends_at"], "read_only")
    op.create_table(
        "notice_component",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("component_key", sa.String(length=40), nullable=False),
        _belongs("notice_component", "notice_id", "notice.id"),
        _belongs("notice_component", "component_key", "component.key"),
        sa.PrimaryKeyConstraint("notice_id", "component_key", name=op.f("pk_notice_component")),
    )
    _index("notice_component", "component_key")
    op.create_table(
        "notice_update",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        _moment("at"),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("resolves", sa.Boolean(), nullable=False),
        _belongs("notice_update", "notice_id", "notice.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_update")),
    )
    _index("notice_update", "notice_id")


def _create_tellings() -> None:
    op.create_table(
        "telling",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        _state(
            "event",
            "event",
            "announced",
            "in_48_hours",
            "in_1_hour",
            "started",
            "updated",
            "ended",
        ),
        sa.Column("update_id", sa.Uuid(), nullable=True),
        _moment("due_at"),
        _moment("told_at", nullable=True),
        _belongs("telling", "notice_id", "notice.id"),
        _belongs("telling", "update_id", "notice_update.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telling")),
        sa.UniqueConstraint("update_id", name=op.f("uq_telling_update_id")),
    )
    _index_where("ix_telling_due", "telling", ["due_at"], "told_at IS NULL")
    _index_where(
        "uq_telling_event", "telling", ["notice_id", "event"], "update_id IS NULL", unique=True
    )


def _create_subscriptions() -> None:
    op.create_table(
        "notice_subscription",
        sa.Column("id", sa.Uuid(), nullable=False),
        _state("channel", "channel", "email", "text"),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("address_key", sa.String(length=254), nullable=False),
        sa.Column("confirm_digest", sa.String(length=64), nullable=False),
        sa.Column("stop_digest", sa.String(length=64), nullable=False),
        _moment("asked_at"),
        _moment("expires_at"),
        _moment("confirmed_at", nullable=True),
        _moment("ended_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_subscription")),
        sa.UniqueConstraint("confirm_digest", name=op.f("uq_notice_subscription_confirm_digest")),
        sa.UniqueConstraint("stop_digest", name=op.f("uq_notice_subscription_stop_digest")),
    )
    _index_where(
        "uq_notice_subscription_live",
        "notice_subscription",
        ["channel", "address_key"],
        "confirmed_at IS NOT NULL AND ended_at IS NULL",
        unique=True,
    )
    op.create_table(
        "notice_subscription_component",
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("component_key", sa.String(length=40), nullable=False),
        _belongs("notice_subscription_component", "subscription_id", "notice_subscription.id"),
        _belongs("notice_subscription_component", "component_key", "component.key"),
        sa.PrimaryKeyConstraint(
            "subscription_id", "component_key", name=op.f("pk_notice_subscription_component")
        ),
    )
    _index("notice_subscription_component", "component_key")
    op.create_table(
        "told",
        sa.Column("telling_id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        _belongs("told", "telling_id", "telling.id"),
        _belongs("told", "subscription_id", "notice_subscription.id"),
        sa.PrimaryKeyConstraint("telling_id", "subscription_id", name=op.f("pk_told")),
    )
    _index("told", "subscription_id")


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _state(name: str, type_name: str, *values: str) -> sa.Column[str]:
    kind = sa.Enum(*values, name=type_name, native_enum=False, create_constraint=True, length=32)
    return sa.Column(name, kind, nullable=False)


def _belongs(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete="CASCADE")


def _index(table: str, column: str) -> None:
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def _index_where(
    name: str, table: str, columns: list[str], condition: str, *, unique: bool = False
) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for table in (
        "told",
        "notice_subscription_component",
        "notice_subscription",
        "telling",
        "notice_update",
        "notice_component",
        "notice",
        "component",
        "outbound_text",
        "operator",
    ):
        op.drop_table(table)
