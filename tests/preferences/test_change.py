"""Saving preferences: typed, bounded, with a version, a history and an audit entry."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.audit import queries as audit
from booking.audit.actions import SYSTEM
from booking.audit.queries import AuditFilter
from booking.errors import Invalid
from booking.preferences import actions
from booking.preferences.actions import StalePreferences
from booking.preferences.patches import merged
from booking.preferences.rules import Preferences
from tests import make
from tests.site import Site


def _faults(patch: Mapping[str, Any], now: Preferences | None = None) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        merged(now or Preferences(), patch)
    return {fault.field: fault.code for fault in refused.value.fields}


def test_a_new_business_has_the_defaults_and_client_access_at_no(site: Site) -> None:
    with site.database.writing() as session:
        make.business(session)
        preferences = actions.current(session)
    assert preferences == Preferences()
    assert preferences.version == 1
    assert not preferences.client_settings.allow_client_online_account_access


def test_a_change_is_kept_and_raises_the_version_by_one(site: Site) -> None:
    with site.writing() as session:
        before = actions.current(session)
        patch = {"booking_window": {"lead_time_minutes": 60}}
        actions.change(session, patch, expected_version=before.version, by=SYSTEM)
    with site.reading() as session:
        after = actions.current(session)
    assert after.booking_window.lead_time_minutes == 60
    assert after.version == before.version + 1
    assert after.client_settings == before.client_settings


def test_another_business_keeps_its_own(site: Site) -> None:
    site.prefer("booking_window", lead_time_minutes=60)
    with site.reading(site.world.kennels) as session:
        assert actions.current(session).booking_window.lead_time_minutes != 60


def test_null_returns_to_the_default(site: Site) -> None:
    site.prefer("booking_window", lead_time_minutes=60, furthest_days=30)
    site.prefer("booking_window", lead_time_minutes=None)
    with site.reading() as session:
        window = actions.current(session).booking_window
    assert (window.lead_time_minutes, window.furthest_days) == (120, 30)


def test_a_stale_version_is_refused_and_changes_nothing(site: Site) -> None:
    site.prefer("booking_window", lead_time_minutes=60)
    with site.writing() as session:
        version = actions.current(session).version
        patch = {"booking_window": {"lead_time_minutes": 30}}
        with pytest.raises(StalePreferences):
            actions.change(session, patch, expected_version=version - 1, by=SYSTEM)
        assert actions.current(session).booking_window.lead_time_minutes == 60


def test_saving_what_is_there_is_no_change(site: Site) -> None:
    site.prefer("booking_window", lead_time_minutes=60)
    with site.reading() as session:
        before = actions.current(session).version
    site.prefer("booking_window", lead_time_minutes=60)
    with site.reading() as session:
        assert actions.current(session).version == before


def test_each_changed_preference_stands_in_the_history_and_the_audit_log(site: Site) -> None:
    site.prefer("booking_window", lead_time_minutes=60, furthest_days=30)
    with site.reading() as session:
        told = {row.field: (row.old, row.new) for row in actions.history(session, 2)}
        noted = audit.entries(session, AuditFilter(action="preferences"))[0].details["fields"]
    assert told == {
        "booking_window.lead_time_minutes": (120, 60),
        "booking_window.furthest_days": (90, 30),
    }
    assert noted == list(told)[::-1]


def test_a_new_policy_text_makes_a_new_version_of_the_policy(site: Site) -> None:
    with site.reading() as session:
        assert actions.policy_version(session) is None
    for text in ("Be on time.", "Be kind."):
        site.prefer("cancel_and_reschedule", policy_text=text)
    site.prefer("cancel_and_reschedule", reschedule_limit=1)
    with site.reading() as session:
        policy = actions.policy_version(session)
        assert policy is not None
        assert (policy.number, policy.text) == (2, "Be kind.")
    site.prefer("cancel_and_reschedule", policy_text="")
    with site.reading() as session:
        assert actions.policy_version(session) is None


@pytest.mark.parametrize(
    ("section", "name", "value", "code"),
    [
        ("booking_window", "lead_time_minutes", -1, "greater_than_equal"),
        ("booking_window", "lead_time_minutes", 43_201, "less_than_equal"),
        ("booking_window", "lead_time_minutes", 2**70, "less_than_equal"),
        ("booking_window", "lead_time_minutes", "60", "int_type"),
        ("booking_window", "lead_time_minutes", True, "int_type"),
        ("booking_window", "lead_time_minutes", [60], "int_type"),
        ("booking_window", "slot_interval_minutes", 7, "literal_error"),
        ("client_settings", "show_prices", "yes", "bool_type"),
        ("client_settings", "who_may_book", "nobody", "literal_error"),
        ("client_settings", "client_may_edit", "name", "tuple_type"),
        ("client_settings", "session_days", 366, "less_than_equal"),
        ("invitations", "invite_reply_to", "not an address", "value_error"),
        ("invitations", "invite_message", "<b>Hi</b>", "value_error"),
        ("invitations", "invite_message", "Look at https://evil.example", "value_error"),
        ("invitations", "invite_message", "[here](x)", "value_error"),
        ("invitations", "invite_message", "x" * 2_001, "string_too_long"),
        ("invitations", "invite_message", "a\0b", "characters"),
        ("invitations", "invite_message", "\ud800", "characters"),
        ("booking_window", "disabled_message", "<img src=x>", "value_error"),
    ],
)
def test_a_wrong_value_is_told_at_its_path(
    section: str, name: str, value: object, code: str
) -> None:
    assert _faults({section: {name: value}}) == {f"{section}.{name}": code}


def test_unknown_keys_are_refused_with_a_path_that_echoes_nothing() -> None:
    assert _faults({"booking_window": {"colour": 1}}) == {"booking_window.colour": "unknown"}
    assert _faults({"booking_window": {"colour": None}}) == {"booking_window.colour": "unknown"}
    assert _faults({"<script>": {}}) == {"": "unknown"}
    assert _faults({"booking_window": 3}) == {"booking_window": "object"}
    assert _faults({"version": 7}) == {"version": "unknown"}


def test_signing_in_to_book_needs_client_access() -> None:
    field = "client_settings.require_login_to_book"
    assert _faults({"client_settings": {"require_login_to_book": True}}) == {
        field: "needs_client_access"
    }
    both = {"allow_client_online_account_access": True, "require_login_to_book": True}
    now = merged(Preferences(), {"client_settings": both})
    off = {"client_settings": {"allow_client_online_account_access": False}}
    assert _faults(off, now) == {field: "needs_client_access"}


def test_the_furthest_day_lies_beyond_the_shortest_notice() -> None:
    near = merged(Preferences(), {"booking_window": {"furthest_days": 2}})
    assert _faults({"booking_window": {"lead_time_minutes": 2 * 1440}}, near) == {
        "booking_window.lead_time_minutes": "no_time_left"
    }
    far = merged(Preferences(), {"booking_window": {"lead_time_minutes": 2 * 1440}})
    assert _faults({"booking_window": {"furthest_days": 2}}, far) == {
        "booking_window.furthest_days": "no_time_left"
    }


def test_notice_is_bounded_by_its_unit() -> None:
    days = {"cancel_and_reschedule": {"cancel_notice": 15, "cancel_notice_unit": "days"}}
    assert _faults(days) == {"cancel_and_reschedule.cancel_notice": "out_of_range"}
    days["cancel_and_reschedule"]["cancel_notice"] = 14
    assert merged(Preferences(), days).cancel_and_reschedule.cancel_notice == 14


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from([name for model in Preferences.model_fields for name in (model, "x")])

# Hypothesis builds its tables of characters with the first texts it draws, and a busy machine is
# slow at anything: neither is a fault of what is tested.
_unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_unhurried
@given(st.dictionaries(_KEYS, _JSON, max_size=3))
def test_whatever_is_sent_is_taken_or_refused_with_paths(patch: dict[str, Any]) -> None:
    try:
        after = merged(Preferences(), patch)
    except Invalid as refused:
        after, told = Preferences(), [fault.message for fault in refused.fields]
    else:
        told = ["nothing to tell"]
    assert told
    assert all(told)
    assert merged(after, {}) == after
