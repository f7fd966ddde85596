"""The imports benchmark runs to its end; nobody judges the machine's speed."""

import csv
import json
import subprocess
import sys
from pathlib import Path

from booking.bench import lists


def test_it_runs_and_reports_as_json(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from booking.cli import main; main()", "bench", "imports"]
    done = subprocess.run(
        [*command, "--rows", "200", "--json"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    ways = {row["way"] for row in told["rows"]}
    assert {"into an empty list", "the same file again", "into a list as long"} <= ways
    assert all(row["per_second"] > 0 for row in told["rows"])
    assert told["goals"]
    assert told["peak_memory_mib"]["importing"]
    assert list(tmp_path.iterdir()) == []


def test_a_list_is_the_same_each_time_and_the_other_one_knows_some_of_its_people(
    tmp_path: Path,
) -> None:
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    lists.write_first(first, 100)
    lists.write_first(again, 100)
    lists.write_other(other, 100)
    assert first.read_text() == again.read_text()
    emails = [{line["email"] for line in _lines(file)} - {""} for file in (first, other)]
    assert 20 < len(emails[0] & emails[1]) < 60
    assert {line["client_external_id"] for line in _lines(other)} == {""}


def _lines(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))
