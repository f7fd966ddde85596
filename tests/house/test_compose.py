"""What compose.yaml and the Dockerfile name must exist: nobody runs them as often as the tests."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from celery import Celery
from celery.bin.celery import celery
from click.testing import CliRunner

from booking.config import Settings
from workers.app import app

TOP = Path(__file__).resolve().parents[2]
DOCKERFILE = (TOP / "Dockerfile").read_text()
COMPOSE_TEXT = (TOP / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")


def commands() -> list[list[str]]:
    """Every command of ours that either file runs."""
    written = re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)
    assert len(written) == 1
    ours = [cast(list[str], SERVICES[name]["command"]) for name in OURS]
    check = SERVICES["worker"]["healthcheck"]["test"]
    asked = shlex.split(check[1].replace("$$", "$")) if check[0] == "CMD-SHELL" else check[1:]
    return [*ours, yaml.safe_load(written[0]), asked]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_exists_with_the_options_it_is_given(command: list[str]) -> None:
    """Celery's are asked within this process, which has loaded our application already."""
    name, *options = command
    program = Path(sys.executable).with_name(name)
    assert program.exists()
    if name == "celery":
        asked = CliRunner().invoke(celery, [*options, "--help"])
        assert asked.exit_code == 0, asked.output
        return
    done = subprocess.run(
        [program, *options, "--help"], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_celery_app_is_where_the_commands_look_for_it() -> None:
    assert isinstance(app, Celery)
    named = [command[2] for command in commands() if command[:2] == ["celery", "-A"]]
    assert named == ["workers.app"] * 3


def test_every_setting_named_is_one_we_know() -> None:
    named = set(re.findall(r"BOOKING_([A-Z0-9_]+)", COMPOSE_TEXT + DOCKERFILE))
    assert {"DATABASE_URL", "SECRET_KEY"} <= named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_our_services_run_with_the_same_settings_from_one_image() -> None:
    for name in OURS:
        assert SERVICES[name]["environment"] == SERVICES["web"]["environment"], name
        assert SERVICES[name]["image"] == "booking", name
    assert set(SERVICES["web"]["environment"]) >= {
        f"BOOKING_{name}"
        for name in ("DATABASE_URL", "BROKER_URL", "SMTP_URL", "PUBLIC_URL", "SECRET_KEY")
    }


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "LICENCE_PRIVATE_KEY", "PUBLIC_URL", "SMTP_URL", "MAIL_FROM"]
)
def test_what_production_needs_has_no_default(name: str) -> None:
    assert SERVICES["web"]["environment"][f"BOOKING_{name}"].startswith(f"${{BOOKING_{name}:?")


def test_production_is_what_one_gets_without_asking() -> None:
    assert SERVICES["web"]["environment"]["BOOKING_ENVIRONMENT"].endswith(":-production}")


def test_nothing_of_ours_starts_before_the_database_is_migrated() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["restart"] == "no"
    for name in ("web", "worker", "beat"):
        assert SERVICES[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "redis": {"condition": "service_healthy"},
        }, name


def test_every_service_comes_back_and_says_how_it_is() -> None:
    for name, service in SERVICES.items():
        if name not in {"migrate"}:
            assert service["restart"] == "unless-stopped", name
    for name in ("postgres", "redis", "web", "worker"):
        assert SERVICES[name]["healthcheck"]["test"], name


def test_the_web_server_is_asked_for_at_the_name_it_serves() -> None:
    script = SERVICES["web"]["healthcheck"]["test"][-1]
    compile(script, "healthcheck", "exec")
    assert "/readyz?for=web" in script


def test_redis_keeps_what_it_is_given() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_data_lives_in_volumes_that_are_declared() -> None:
    used = {
        volume.partition(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }
    assert used == set(COMPOSE["volumes"]) == {"postgres", "redis"}


def test_database_and_queue_cannot_be_reached_from_outside() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_runs_as_somebody_without_rights() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    user = re.findall(r"^USER (\S+)$", final, re.MULTILINE)
    assert user == ["booking"]
    assert final.index("\nUSER ") < final.index("\nCMD ")
    for name in OURS:
        assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_everything_the_image_copies_is_there_and_let_through() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for source in line.split()
    }
    allowed = {
        line[1:] for line in (TOP / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert copied == allowed
    assert [name for name in sorted(copied) if not (TOP / name).exists()] == []
