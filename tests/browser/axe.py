"""Accessibility, as far as a program can judge it."""

import functools
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def barriers(page: Page) -> list[str]:
    """What axe finds on the page as it stands: rule, element, and how to mend it."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe().axe_script)
    found: list[dict[str, Any]] = page.evaluate(
        "axe.run({resultTypes: ['violations']}).then((results) => results.violations)"
    )
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


@functools.cache
def _axe() -> Axe:
    return Axe()
