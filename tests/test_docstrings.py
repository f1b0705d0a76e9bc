"""What docstrings and comments of src/bdchat may say: files that exist, and no reader of one sex."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PATHS = sorted((ROOT / "src" / "bdchat").rglob("*.py"))
FILES = {
    f"/{path.relative_to(ROOT)}" for folder in ("src", "tests", "scripts") for path in (ROOT / folder).rglob("*.py")
}
PRONOUN = re.compile(r"\b(he|his|him|himself|she|hers|herself)\b", re.IGNORECASE)
FILE_NAME = re.compile(r"[\w/]+\.py\b")


def unknown_files(source: str) -> list[str]:
    return [name for name in FILE_NAME.findall(source) if not any(path.endswith(f"/{name}") for path in FILES)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT / "src" / "bdchat")))
def test_a_module_speaks_of_files_that_exist_and_of_nobody_as_he(path: Path) -> None:
    source = path.read_text("utf-8")
    assert unknown_files(source) == []
    assert PRONOUN.findall(source) == []


def test_the_reader_of_file_names_sees_one_that_was_renamed() -> None:
    assert unknown_files("# see durable_reader.py, durable/reader.py and reader.py") == ["durable_reader.py"]
