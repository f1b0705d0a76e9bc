"""The rules of docs/architecture.md, read from the source of every file; and made-up sources that break each rule."""

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.architecture_rules import (
    ALLOWED_AT_THE_TOP,
    BANNED_NAMES,
    DOORS,
    ENGINE_SEEN_FROM_API,
    EXCEPTIONS,
    GROUND,
    MADE_HERE,
    MAX_LINES,
    MAX_MODULES,
    MAX_MODULES_OF,
    REQUIRED_AT_THE_TOP,
    ROOMS,
    SAME_NAME,
    TOPS,
    WINGS,
)

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "bdchat"


def imported_names(source: str, path: str) -> Iterator[str]:
    """Dotted names that a file imports, wherever in it, `import_module("x")` and `os.environ` included."""
    package = ["bdchat", *path.split("/")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            yield f"os.{node.attr}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (str(part.value) for part in node.args if isinstance(part, ast.Constant))


def room_violations(path: str, source: str) -> list[str]:
    allowed = next((rooms for pattern, rooms in ROOMS if fnmatchcase(path, pattern)), None)
    if allowed is None:
        return [f"{path}: no room of docs/architecture.md; give it one in ROOMS"]
    names = {name.removeprefix("bdchat").lstrip(".") for name in imported_names(source, path) if _is_ours(name)}
    return [f"{path}: imports bdchat.{name}" for name in sorted(names) if not _allows(allowed, name)]


def wing_violations(path: str, source: str) -> list[str]:
    """Of a file below a room's top: imports of wings that are not its own nor named for it."""
    room, _, rest = path.partition("/")
    if room not in GROUND or path in TOPS:
        return []
    wing = "/".join(path.split("/")[:2]) if "/" in rest else ""
    if wing and wing not in WINGS:
        return [f"{path}: no wing of docs/architecture.md; give it one in WINGS"]
    allowed = (*GROUND[room], *((wing.split("/")[1], *WINGS[wing]) if wing else ()))
    names = {name.removeprefix("bdchat.") for name in imported_names(source, path) if _is_ours(name)}
    here = {name for name in names if name.startswith(f"{room}.")}
    wrong = [name for name in here if not _allows(allowed, name.removeprefix(f"{room}."))]
    if room == "api":
        others = {name for name in names if name.startswith("engine.")}
        seen = (*(f"engine.{part}" for part in ENGINE_SEEN_FROM_API), *EXCEPTIONS.get(path, ()))
        wrong += [name for name in others if not _allows(seen, name)]
    return [f"{path}: imports bdchat.{name}" for name in sorted(wrong)]


def door_violations(path: str, source: str) -> list[str]:
    return [
        f"{path}: {package} has its own door: {', '.join(doors) or 'none'}"
        for package, doors in DOORS.items()
        if any(name == package or name.startswith(f"{package}.") for name in imported_names(source, path))
        and not any(fnmatchcase(path, door) for door in doors)
    ]


def _is_ours(name: str) -> bool:
    return name == "bdchat" or name.startswith("bdchat.")


def _allows(rooms: tuple[str, ...], name: str) -> bool:
    """`name` is a module or something in one: "settings.load" is allowed by "settings"; the version is everyone's."""
    return name == "__version__" or any(fnmatchcase(name, room) or name.startswith(f"{room}.") for room in rooms)


def modules() -> list[str]:
    return sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


def own_files() -> list[Path]:
    """Every text that people write here: modules, tests, scripts with and without an ending."""
    found = [path for folder in (SOURCE, ROOT / "tests") for path in folder.rglob("*.py")]
    scripts = [path for path in (ROOT / "scripts").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return sorted([*found, *scripts])


@pytest.mark.parametrize("path", modules())
def test_a_module_imports_only_what_its_room_may(path: str) -> None:
    source = (SOURCE / path).read_text("utf-8")
    assert room_violations(path, source) == []
    assert wing_violations(path, source) == []
    assert door_violations(path, source) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engine/kv/cache.py", "from bdchat.store import tables"),
        ("engine/kv/cache.py", "def f():\n    from bdchat.api.app import x"),
        ("engine/kv/cache.py", "from ...api import app"),
        ("engine/kv/cache.py", "import importlib\nimportlib.import_module('bdchat.api')"),
        ("store/chats/messages.py", "import bdchat.engine.request"),
        ("settings/loading.py", "from bdchat.engine.errors import InvalidRequest"),
        ("settings/loading.py", "import bdchat"),
        ("chat.py", "from bdchat.engine.request import Delta"),
        ("cli.py", "from bdchat.engine.scheduling.scheduler import Scheduler"),
        ("attic.py", "import sys"),
    ],
)
def test_the_checker_sees_a_door_between_rooms(path: str, source: str) -> None:
    assert len(room_violations(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engine/local/child.py", "from bdchat.engine.kv.cache import KVCache"),
        ("engine/kv/cache.py", "from bdchat.engine.scheduling import scheduler"),
        ("engine/request.py", "from bdchat.engine.text.prompt import PromptBuilder"),
        ("api/openai/chat.py", "from bdchat.api.chats.titles import Titles"),
        ("api/http/errors.py", "from bdchat.api.app import App"),
        ("api/chats/titles.py", "from bdchat.engine.process.main import main"),
        ("api/admin/users.py", "from bdchat.engine.kv.files import model_folder"),
        ("store/sql/database.py", "from bdchat.store.chats import messages"),
        ("api/attic/box.py", "import sys"),
    ],
)
def test_the_checker_sees_a_door_between_wings(path: str, source: str) -> None:
    assert len(wing_violations(path, source)) == 1


def test_no_wing_imports_one_that_stands_below_it() -> None:
    """What is imported stands above: then there is no circle."""
    for room, ground in GROUND.items():
        above = {*ground, "wire"}
        for wing in (name.split("/")[1] for name in WINGS if name.startswith(f"{room}/")):
            assert set(WINGS[f"{room}/{wing}"]) <= above
            above.add(wing)


def test_every_wing_is_there() -> None:
    folders = {path.relative_to(SOURCE).as_posix() for room in GROUND for path in (SOURCE / room).glob("*/")}
    assert {folder for folder in folders if not folder.endswith("__pycache__")} == set(WINGS)


def test_a_folder_holds_what_can_be_looked_over() -> None:
    folders: dict[str, int] = {}
    for path in modules():
        if not path.endswith("__init__.py"):
            folder = path.rpartition("/")[0]
            folders[folder] = folders.get(folder, 0) + 1
    most = {folder: MAX_MODULES_OF.get(folder, MAX_MODULES) for folder in folders}
    assert {folder: number for folder, number in folders.items() if number > most[folder]} == {}


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.parse((SOURCE / path).read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(path)
    assert {name: where for name, where in places.items() if len(where) > 1 and name not in SAME_NAME} == {}
    assert {name for name in SAME_NAME if len(places.get(name, ())) < 2} == set()


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("engine/scheduling/scheduler.py", "import llama_cpp"),
        ("engine/scheduling/scheduler.py", "from llama_cpp import llama_cpp as lib"),
        ("api/app.py", "import httpx"),
        ("api/openai/chat.py", "from sse_starlette import EventSourceResponse"),
        ("engine/model_runner.py", "import os\nprint(os.environ['HOME'])"),
        ("engine/model_runner.py", "from os import environ"),
        ("engine/wire.py", "import pickle"),
        ("engine/wire.py", "__import__('pickle')"),
        ("store/chats/messages.py", "import chromadb.config"),
    ],
)
def test_the_checker_sees_a_third_party_at_the_wrong_door(path: str, source: str) -> None:
    assert len(door_violations(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "engine/llama/runner.py",
            "import llama_cpp\nfrom bdchat.engine.model_runner import Slice\nimport os\nos.putenv('A', 'B')",
        ),
        (
            "api/app.py",
            "from bdchat import __version__\nfrom bdchat.store.accounts.users import Users\nfrom . import chat",
        ),
        ("cli.py", "from bdchat.api.server import serve"),
    ],
)
def test_the_checker_lets_the_rooms_own_imports_pass(path: str, source: str) -> None:
    assert room_violations(path, source) + door_violations(path, source) == []


def test_the_bootstrap_needs_nothing_but_python() -> None:
    for script in (ROOT / "scripts").glob("bootstrap*.py"):
        names = {name.partition(".")[0] for name in imported_names(script.read_text("utf-8"), script.name)}
        assert {name for name in names - sys.stdlib_module_names if not name.startswith("bootstrap")} == set()


def test_files_are_short() -> None:
    lengths = {path: path.read_bytes().count(b"\n") for path in own_files()}
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length >= MAX_LINES} == {}


def test_no_file_is_named_for_what_does_not_fit_elsewhere() -> None:
    parts = {part for path in own_files() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert {part for part in parts if set(part.removeprefix("test_").split("_")) & BANNED_NAMES} == set()


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in modules() if not ast.get_docstring(ast.parse((SOURCE / path).read_text("utf-8")))]
    assert silent == []


def test_the_top_level_is_the_one_that_was_drawn() -> None:
    top = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - MADE_HERE
    assert {name for name in top if not re.fullmatch(r"requirements.*\.lock", name)} <= ALLOWED_AT_THE_TOP
    assert top >= REQUIRED_AT_THE_TOP
    assert {"api", "engine", "store"} <= {path.name for path in SOURCE.iterdir()}


def test_the_documented_files_are_the_files() -> None:
    """Both ways: docs/files.md names no file that is not there, and a new file gets its line."""
    named = documented_modules((ROOT / "docs" / "files.md").read_text("utf-8"))
    present = {path for path in modules() if not path.endswith("__init__.py")}
    assert named - present == set(), "docs/files.md names files that do not exist; run scripts/rooms"
    assert present - named == set(), "docs/files.md has no line for these files; run scripts/rooms"


def test_the_document_reader_knows_folders() -> None:
    text = (
        "## `src/bdchat/`\n| `cli.py` | flags |\n## `src/bdchat/engine/`\n| `request.py` | values |\n| `a.py` | `c` |\n"
    )
    assert documented_modules(text) == {"cli.py", "engine/request.py", "engine/a.py"}


def documented_modules(text: str) -> set[str]:
    """Files in the first column of the tables; a heading names their folder."""
    folder, found = "", set[str]()
    for line in text.splitlines():
        if heading := re.match(r"## `src/bdchat/([\w/]*)`", line):
            folder = heading[1]
        elif line.startswith("|"):
            found |= {f"{folder}{name}" for name in re.findall(r"`(\w+\.py)`", line.split("|")[1])}
    return found
