"""The house's own rules that a program can check."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import TOP

CODE = sorted(path for folder in ("booking", "workers") for path in (TOP / folder).rglob("*.py"))
TESTS = sorted((TOP / "tests").rglob("*.py"))
NAMES_THAT_HOLD_ANYTHING = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "core",
    "misc",
    "base",
    "manager",
    "managers",
}
ROOMS = {path.parent.name for path in (TOP / "booking").glob("*/models.py")}
LONGEST_FILE, LONGEST_FUNCTION, MOST_PARAMETERS = 400, 40, 6
LOADS_ITS_COMMANDS_BY_NAME = TOP / "booking" / "cli.py"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    for path in CODE:
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function):
                yield f"{path.relative_to(TOP)}:{node.lineno} {node.name}", node


def test_imports_only_go_down() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_longer_than_a_person_reads() -> None:
    long = {
        str(path.relative_to(TOP)): length
        for path in CODE + TESTS
        if (length := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_a_function_fits_a_screen() -> None:
    long = {
        where: length
        for where, node in functions()
        if (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_a_function_takes_few_parameters() -> None:
    """An endpoint's are the fields of its request, a command's its options."""
    many = {
        where: count
        for where, node in functions()
        if (count := _parameters(node)) > MOST_PARAMETERS
    }
    assert many == {}


def test_no_name_can_hold_anything() -> None:
    found = [
        str(path.relative_to(TOP))
        for path in (TOP / "booking").rglob("*")
        if path.stem.lower() in NAMES_THAT_HOLD_ANYTHING or path.name in {"service.py", "service"}
    ]
    assert found == []


def test_a_room_has_the_files_every_room_has() -> None:
    known = {"__init__", "models", "rules", "actions", "queries", "emails", "templates"}
    own = {
        "mail": {
            "message",
            "form_letter",
            "delivery",
            "transports",
            "pipelining",
            "wording",
            "marks",
            "bounces",
            "postbox",
            "signing",
        },
        "accounts": {"passwords", "common_passwords"},
        "availability": {"schedules"},
        "appointments": {"ical"},
        "billing": {"gateways", "invoice_pdf", "paying", "sealing"},
        "imports": {"lookup_process"},
        "invitations": {"delivery", "listing", "reminding"},
        "licensing": {"licences"},
        "matching": {"candidates", "index", "profiles", "renewal", "scanning"},
        "merges": {"rows"},
        "notices": {"words"},
        "preferences": {"patches"},
        "help": {"articles"},
        "texts": {"message", "delivery", "transports"},
    }
    for room in sorted(ROOMS):
        found = {path.stem for path in (TOP / "booking" / room).glob("[!_]*")}
        assert found <= known | own.get(room, set()), room


def test_a_room_never_ends_a_transaction() -> None:
    found = [
        f"{path.relative_to(TOP)}:{node.lineno}"
        for path in CODE
        if path.relative_to(TOP).parts[1] in ROOMS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "rollback"}
    ]
    assert found == []


def test_imports_stand_at_the_top() -> None:
    found = [
        where
        for where, node in functions()
        if not where.startswith(str(LOADS_ITS_COMMANDS_BY_NAME.relative_to(TOP)))
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "TYPE_CHECKING"])
def test_nothing_is_left_behind(word: str) -> None:
    here = Path(__file__)
    found = [str(path) for path in CODE + TESTS if path != here and word in path.read_text()]
    assert found == []


def test_the_clock_is_asked_nowhere_else() -> None:
    """`datetime.now` and `time.time` stand in booking/clock.py; waiting and measuring are free."""
    allowed = {"booking/clock.py", "booking/rate_limit.py"}
    found = [
        f"{path.relative_to(TOP)}:{node.lineno}"
        for path in CODE
        if str(path.relative_to(TOP)) not in allowed and "bench" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr)
        in {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time")}
    ]
    assert found == []


def test_no_question_is_hidden_from_the_tenant_guard() -> None:
    """`select(exists().where(…))` names no entity, so the ORM does not compile it and the guard
    does not see it. Select something instead: `select(Client.id).where(…).limit(1)`."""
    found = [
        f"{path.relative_to(TOP)}:{node.lineno}"
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "select"
        and any(_root(argument) in {"exists", "literal", "text"} for argument in node.args[:1])
    ]
    assert found == []


def _root(expression: ast.expr) -> str:
    """Of `exists().where(…)`: exists."""
    while isinstance(expression, ast.Call | ast.Attribute):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


def _parameters(node: Function) -> int:
    if any(_root(decorator) in {"router", "operator"} for decorator in node.decorator_list):
        return 0
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([each for each in given if each.arg not in {"self", "cls"}])
