"""What docs/architecture.md says of wings, imports, doors, files and functions is what the source says."""

import ast
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.architecture_rules import DOORS, ROOMS, WINGS
from tests.test_architecture import ROOT, SOURCE, imported_names, modules

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
BARE, STORED = "Hops of an answer that is not stored", "Hops of a stored answer"
LIVES = ("The life of one request", BARE, STORED, "The life of one KV cell", "The life of one stored message")
CODE_WORD = re.compile(r"`([^`]+)`")


def section(title: str, text: str = PAGE) -> str:
    """Up to the next heading of any level."""
    _, found, rest = text.partition(f"# {title}\n")
    assert found, title
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


def table_of(section_text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Rows whose first column is one code word: it, and the code words of the second."""
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", section_text, re.MULTILINE)
    return [(first, tuple(CODE_WORD.findall(second))) for first, second in rows]


def hops_of(section_text: str) -> list[str]:
    """The items of its numbered lists, each in one line."""
    text = re.sub(r"\n {3}", " ", section_text)
    items = re.findall(r"^(\d+)\. (.*)$", text, re.MULTILINE)
    assert [int(number) for number, _ in items] == list(range(1, len(items) + 1))
    return [item for _, item in items]


def definitions(source: str) -> set[str]:
    """Functions, classes and methods: "f", "C", "C.m"."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef))
            found |= {f"{node.name}.{method.name}" for method in methods}
    return found


def lies(hop: str, defined: dict[str, set[str]]) -> list[str]:
    """Files that are not there, and names that the file before them does not define."""
    wrong: list[str] = []
    path = ""
    for word in CODE_WORD.findall(hop):
        if word.endswith(".py"):
            path = word
            wrong += [] if path in defined else [path]
        elif word not in defined.get(path, ()):
            wrong.append(f"{path} {word}")
    return wrong


def unknown_words(text: str, paths: Iterable[str], names: set[str]) -> list[str]:
    return [word for word in CODE_WORD.findall(text) if word not in names and word.rstrip("/") not in paths]


def names_in(path: str, source: str) -> Iterator[str]:
    """All that a module defines or names: "f", "C", "C.m", "module.f"; arguments and attributes too."""
    for name in definitions(source):
        yield name
        yield f"{Path(path).stem}.{name}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword) and node.arg is not None:
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    return {path: (SOURCE / path).read_text("utf-8") for path in modules()}


def test_the_tree_says_of_each_wing_what_the_wing_says() -> None:
    found = re.findall(r"^( +)(\w+)/ {2,}(.*)$", section("The wings"), re.MULTILINE)
    shown: dict[str, str] = {}
    room = ""
    for indent, name, sentence in found:
        room = name if len(indent) == 2 else room
        shown[room if len(indent) == 2 else f"{room}/{name}"] = sentence
    said = {}
    for folder in (*{wing.split("/")[0] for wing in WINGS}, *WINGS):
        text = ast.get_docstring(ast.parse((SOURCE / folder / "__init__.py").read_text("utf-8"))) or ""
        said[folder] = re.split(r"\.(?:\s|$)", " ".join(text.split()), maxsplit=1)[0]
    assert shown == said
    assert [name for name in shown if "/" in name] == list(WINGS), "in the order in which imports run"


def test_the_page_shows_who_may_import_whom() -> None:
    rows = table_of(section("Who may import whom"))
    assert rows == [*ROOMS, *WINGS.items(), *DOORS.items()]


def test_every_door_has_a_file_that_goes_through_it(sources: dict[str, str]) -> None:
    """A door that nobody uses names files that are not there, or were renamed."""
    unused = {
        (package, door)
        for package, doors in DOORS.items()
        for door in doors
        if not any(
            name == package or name.startswith(f"{package}.")
            for path, source in sources.items()
            if fnmatchcase(path, door)
            for name in imported_names(source, path)
        )
    }
    assert unused == set()


@pytest.mark.parametrize(("title", "most_down", "most"), [(BARE, 10, 18), (STORED, 12, 18)])
def test_the_hops_of_an_answer_are_there_and_few(
    title: str, most_down: int, most: int, sources: dict[str, str]
) -> None:
    text = section(title)
    hops = hops_of(text)
    defined = {path: definitions(source) for path, source in sources.items() if path in text}
    assert [lie for hop in hops for lie in lies(hop, defined)] == []
    assert all(CODE_WORD.findall(hop)[0].endswith(".py") and len(CODE_WORD.findall(hop)) > 1 for hop in hops)
    assert 0 < len(hops_of(text.partition("\nBack:")[0])) <= most_down
    assert len(hops) <= most


def test_every_code_word_of_the_lives_is_in_the_source(sources: dict[str, str]) -> None:
    names = {name for path, source in sources.items() for name in names_in(path, source)}
    tests = {name for path in (ROOT / "tests" / "engine" / "kv").glob("*.py") for name in definitions(path.read_text())}
    paths = {*sources, "src/bdchat"}
    unknown = {title: unknown_words(section(title), paths, names | tests) for title in LIVES}
    assert {title: words for title, words in unknown.items() if words} == {}


def test_the_reader_of_hops_sees_a_lie() -> None:
    defined = {"a.py": definitions("class C:\n    def m(self): ..."), "b.py": definitions("def f(): ...")}
    assert lies("`a.py` `C.m`, `C` → `b.py` `f`", defined) == []
    assert lies("`a.py` `f` → `b.py` `C.m`", defined) == ["a.py f", "b.py C.m"]
    assert lies("`c.py` `f`", defined) == ["c.py", "c.py f"]


def test_the_reader_of_lives_sees_a_word_that_is_nowhere() -> None:
    names = set(names_in("wing/box.py", "class Box:\n    def open(self, num_cells: int) -> None: ..."))
    assert unknown_words("`Box.open`, `box.Box`, `num_cells`, `wing/box.py`", {"wing/box.py"}, names) == []
    assert unknown_words("`Box.shut`, `wing/lid.py`", {"wing/box.py"}, names) == ["Box.shut", "wing/lid.py"]
