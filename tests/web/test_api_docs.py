"""What is written for people who write programs."""

import json
import re

import pytest

from tests.databases import DatabaseKind
from tests.front_door import PROBLEM, Api
from tests.pages import Pages

pytestmark = pytest.mark.parametrize("database_kind", [DatabaseKind.SQLITE], ids=str)


def test_the_document_is_whole(api: Api) -> None:
    document = api.visitor.get("/openapi.json").json()
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert named == set(document["components"]["schemas"])
    clients = document["paths"]["/api/v1/businesses/{slug}/clients"]["get"]
    assert PROBLEM in clients["responses"]["403"]["content"]
    assert "detail" in document["components"]["schemas"]["Problem"]["properties"]


def test_its_page_shows_every_address(api: Api, pages: Pages) -> None:
    paths = api.visitor.get("/openapi.json").json()["paths"]
    page = pages.visitor().get("/api/docs")
    assert [path for path in paths if not page.says(path)] == []
