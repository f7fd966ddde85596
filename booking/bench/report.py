"""What a benchmark has to say: a table for people, JSON for programs."""

import contextlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table

from booking.bench.measuring import Series


@dataclass(frozen=True, slots=True)
class Goal:
    """A promise about speed. `value` is to be at least `wanted`, or at most."""

    what: str
    value: float
    wanted: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted


@dataclass(slots=True)
class Report:
    """Rows of one table, the goals, and remarks."""

    benchmark: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    peak_mib: dict[str, float | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, series: Series, ratios: Mapping[str, float | None], **what: Any) -> None:
        """A row: what was measured, its figures, and its ratios to others."""
        figures = {
            "per_second": series.rate,
            "p50_ms": series.p50,
            "cpu_ms": series.cpu_milliseconds,
        }
        self.rows.append({**what, **figures, **ratios})


def show(report: Report, *, as_json: bool) -> None:
    if as_json:
        json.dump(_as_json(report), sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(_table(f"booking bench {report.benchmark}", report.rows))
    console.print(_goals(report.goals))
    peaks = ", ".join(f"{name} {_figure(mib)} MiB" for name, mib in report.peak_mib.items())
    for line in [f"Peak memory: {peaks}." if peaks else "", *report.notes, _machine()]:
        if line:
            console.print(line, highlight=False)


def progress(text: str) -> None:
    """For whoever waits: on standard error, and only where somebody looks."""
    if sys.stderr.isatty():
        Console(stderr=True).print(f"[dim]{text}[/dim]", highlight=False)


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "benchmark": report.benchmark,
        "rows": report.rows,
        "goals": [{**asdict(goal), "met": goal.met} for goal in report.goals],
        "peak_memory_mib": report.peak_mib,
        "notes": report.notes,
        "machine": _machine(),
    }


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for name in rows[0]:
        is_text = isinstance(rows[0][name], str)
        justify: Literal["left", "right"] = "left" if is_text else "right"
        table.add_column(name.replace("_", " "), justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*(_figure(value) for value in row.values()))
    return table


def _goals(goals: Sequence[Goal]) -> Table:
    table = Table(title="Goals", box=box.SIMPLE_HEAD)
    table.add_column("goal")
    for name in ("reached", "wanted", ""):
        table.add_column(name, justify="right")
    for goal in goals:
        sign = "≤" if goal.at_most else "≥"
        verdict = "[green]met[/green]" if goal.met else "[red]not met[/red]"
        table.add_row(goal.what, _figure(goal.value), f"{sign} {goal.wanted:g}", verdict)
    return table


def _figure(value: Any) -> str:
    if value is None:
        return "–"
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _machine() -> str:
    return (
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, "
        "one server process. Trust the ratios: figures of one round stand beside each other."
        f"{_stolen()}"
    )


def _cpu_ticks() -> list[int]:
    """User, nice, system, idle, iowait, irq, softirq, steal of all cores since the machine began
    (proc_stat(5)); none where there is no such file."""
    with contextlib.suppress(FileNotFoundError), Path("/proc/stat").open() as lines:
        return [int(ticks) for ticks in lines.readline().split()[1:9]]
    return []


_AT_FIRST = _cpu_ticks()


def _stolen() -> str:
    """What makes every figure worse, and is no fault of the program."""
    meanwhile = [now - then for now, then in zip(_cpu_ticks(), _AT_FIRST, strict=True)]
    if not any(meanwhile):
        return ""
    *_, stolen = meanwhile
    return f" Other guests of the machine took {stolen / sum(meanwhile):.1%} of its time meanwhile."
