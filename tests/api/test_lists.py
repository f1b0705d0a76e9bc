"""No list ends in silence: what has a limit says where to read on, in its question and in its answer."""

from collections.abc import Iterator
from typing import Any

import pytest

from bdchat.api.http.openapi import document
from tests.api.serving import make_app

WAYS_ON = [({"cursor"}, {"next_cursor"}), ({"before"}, {"next_cursor"}), ({"after"}, {"has_more", "last_id"})]


def limited_lists() -> Iterator[tuple[str, set[str], set[str]]]:
    """(path, what may be asked, what is answered) of every GET that takes a limit."""
    described = document(make_app().routes)
    for path, methods in described["paths"].items():
        operation: dict[str, Any] = methods.get("get", {})
        asked = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
        if "limit" in asked:
            view = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            yield path, asked, set(described["components"]["schemas"][view]["properties"])


LISTS = list(limited_lists())


@pytest.mark.parametrize(("path", "asked", "answered"), LISTS, ids=[path for path, *_ in LISTS])
def test_a_list_with_a_limit_can_be_read_on(path: str, asked: set[str], answered: set[str]) -> None:
    assert "data" in answered
    assert [way for way, told in WAYS_ON if way <= asked and told <= answered], f"{path} says nowhere where it goes on"


def test_there_are_such_lists() -> None:
    assert {"/api/sessions", "/api/admin/audit", "/v1/chat/completions"} <= {path for path, *_ in LISTS}
