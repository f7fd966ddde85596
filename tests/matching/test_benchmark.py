"""`booking bench matching`: a small list in the benchmark's format, and what comes out."""

import csv
import json
import subprocess
import sys
from pathlib import Path

CLIENTS = """\
client_id,first_name,last_name,email,mobile,home_phone,street,city,state,postcode,pets,status
C1,Dana,Whitfield,dana@example.com,617-555-0142,,48 Linden St,Boston,MA,02118,Biscuit|Beagle,active
C2,Whitfield,Dana,,(617) 555 0142,,48 Linden Street,Boston,MA,02118,biscuit|,inactive
C3,Quentin,Abernathy,q@example.com,212-555-0173,,,,,,,active
"""
INCOMING = """\
incoming_id,channel,first_name,last_name,email,mobile,home_phone,street,city,state,postcode,pets
I1,signup,Quentin,Abernathy,Q@Example.com,2125550173,,,,,,
I2,import,Olga,Brandt,olga@example.com,303-555-0166,,,,,,Rex|
"""


def test_it_writes_verdicts_and_pairs_as_the_scorer_reads_them(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text(CLIENTS)
    (tmp_path / "incoming.csv").write_text(INCOMING)
    out = tmp_path / "out"
    command = ["bench", "matching", str(tmp_path), "--out", str(out), "--json"]
    ran = subprocess.run(
        [Path(sys.executable).with_name("booking"), *command],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (row,) = json.loads(ran.stdout)["rows"]
    assert row["clients"] == 3
    assert row["keys"] > 3
    assert row["p99_ms"] >= row["p50_ms"] > 0
    assert read(out / "incoming.csv") == [
        {"incoming_id": "I1", "decision": "link", "client_id": "C3", "candidates": ""},
        {"incoming_id": "I2", "decision": "new", "client_id": "", "candidates": ""},
    ]
    pairs = read(out / "duplicates.csv")
    assert {pairs[0]["client_id_a"], pairs[0]["client_id_b"]} == {"C1", "C2"}
    assert 0 <= float(pairs[0]["score"]) <= 1


def read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))
