"""Makes a checkout ready to run: .venv, locked packages, llama.cpp compiled for this machine, the default model.

    python3 scripts/bootstrap.py [--dev] [--system-packages] [--no-model | --print-model] [--rebuild] [-- FOR SERVE]

Standard library only, Python 3.11 or later. What is done is kept: after the first time it takes a few hundredths of a
second, because a stamp in .venv says for which locks, interpreter, compiler and CPU it was filled.
"""

import argparse
import fcntl
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  # an older python3 may well be what starts this file
    sys.exit("bdchat: Python 3.11 or later is needed; name one with PYTHON=/path/to/python3.11")

from bootstrap_console import Board, BootstrapError, Command, as_told, beside, run, say
from bootstrap_native import Recipe, build_wheel, compiler_command, current_recipe, find_wheel

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MODEL = "smollm2-135m-instruct"
DEFAULT_MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"  # the same name as in models/catalog.toml; a test compares
DEFAULT_EMBEDDER = "multilingual-e5-small"  # documents.embedder "auto" takes it: they are searched by meaning too
FILES = {DEFAULT_MODEL: DEFAULT_MODEL_FILE, DEFAULT_EMBEDDER: "multilingual-e5-small.Q4_0.gguf"}
NEEDED_BYTES = 3 * 1024**3  # .venv 0.8 GiB, the build 1 GiB, wheel and model 0.2 GiB, downloads
LEVELS = ("run", "dev")  # what is installed; dev holds all of run


@dataclass(frozen=True, slots=True)
class Place:
    """Where things lie."""

    root: Path
    cache_dir: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def stamp(self) -> Path:
        return self.venv / ".bdchat-stamp.json"

    def lock(self, level: str) -> Path:
        return self.root / {"run": "requirements.lock", "dev": "requirements-dev.lock"}[level]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What .venv was filled for. Another value of any field means: fill again."""

    level: str
    packages: str  # sha256 of locks and pyproject.toml
    interpreter: str  # and the checkout: programs in .venv/bin name both, so a moved one is made anew
    native: str  # Recipe.key

    def covers(self, wanted: "Stamp") -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(wanted.level) and replace(self, level=wanted.level) == wanted


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    try:
        place = Place(ROOT, cache_dir(os.environ, options.arguments))
        if options.system_packages:
            tests = [*missing_browser_packages(), *missing_service_packages()] if options.dev else []
            install_system_packages([*missing_system_packages(os.environ), *tests])
        if options.rebuild:
            forget_wheel(place, current_recipe(place.root, os.environ))
        serves_default = named_model(options.arguments, os.environ) in {None, DEFAULT_MODEL}
        stays_away = options.no_model or is_offline(options.arguments, os.environ)
        wants_model = options.print_model or (serves_default and not stays_away)
        data_dir = named_data_dir(options.arguments, os.environ) if wants_model else None
        models = {DEFAULT_MODEL: data_dir} if data_dir else {}
        if not stays_away:
            models[DEFAULT_EMBEDDER] = named_data_dir(options.arguments, os.environ)
        prepare(place, level="dev" if options.dev else "run", environ=os.environ, models=models)
        if data_dir is not None:
            model = fetch_default_model(place, data_dir)
            if options.print_model:
                print(model)  # noqa: T201  # the answer; all else goes to standard error
    except (BootstrapError, OSError) as error:
        failure = as_told(error)
        say(f"{failure.problem}\n        → {failure.remedy}")
        return 1
    except KeyboardInterrupt:
        say("stopped; start again and it goes on from the last finished step")
        return 130
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dev", action="store_true", help="also what tests, checks and benches need")
    parser.add_argument("--system-packages", action="store_true", help="as root on Debian: install what is missing")
    parser.add_argument("--no-model", action="store_true", help="do not fetch the default model")
    parser.add_argument("--print-model", action="store_true", help="fetch the default model and print its path")
    parser.add_argument("--rebuild", action="store_true", help="compile llama.cpp again, whatever is kept")
    parser.add_argument(
        "arguments", nargs="*", help="after --: arguments of `bdchat serve`, read for the data directory"
    )
    return parser.parse_args(argv)


def cache_dir(environ: Mapping[str, str], arguments: Sequence[str] = ()) -> Path:
    """What is compiled and downloaded is kept in the user's cache; a user without a home that can be written, as under
    a container's `--user 54321`, has it in the data directory that `arguments` of `bdchat serve` name. Raises
    BootstrapError where there is neither."""
    named = environ.get("BDCHAT_CACHE_DIR")
    if named:
        return Path(named).absolute()
    base = environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        home = home_dir(environ)
        base = os.path.join(home, ".cache") if home else ""
    if base and can_be_made(Path(base) / "bdchat"):
        return Path(base) / "bdchat"
    return writable(named_data_dir(arguments, environ)) / "cache" / "bootstrap"


def home_dir(environ: Mapping[str, str]) -> str:
    """ "" where neither the environment nor the user database knows an absolute one."""
    try:
        home = environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""
    return home if os.path.isabs(home) else ""


def writable(data_dir: Path) -> Path:
    """Raises BootstrapError where it cannot be made or written."""
    if not can_be_made(data_dir):
        verb = "written" if data_dir.exists() else "made"
        raise BootstrapError(
            f"the data directory {data_dir} cannot be {verb} by this user",
            "name a folder with --data-dir or BDCHAT_DATA_DIR",
        )
    return data_dir


def can_be_made(folder: Path) -> bool:
    return os.access(next(each for each in (folder, *folder.parents) if os.path.exists(each)), os.W_OK | os.X_OK)


def prepare(place: Place, *, level: str, environ: Mapping[str, str], models: Mapping[str, Path]) -> None:
    """`models`: which are wanted, each with its data directory."""
    recipe = current_recipe(place.root, environ)
    wanted = wanted_stamp(place, level, recipe)
    if is_ready(place, wanted):
        return
    check_machine(place, recipe)
    with alone(place.cache_dir / "bootstrap.lock"):
        have = read_stamp(place.stamp)
        if is_ready(place, wanted):  # the one we waited for has done it
            return
        level = max(level, have.level if have else level, key=LEVELS.index)  # never take away what tests need
        place.stamp.unlink(missing_ok=True)
        make_venv(place, is_ours=have is None or have.interpreter == wanted.interpreter)
        install(place, level, recipe, environ, models)
        done = wanted_stamp(place, level, recipe)
        place.stamp.write_text(json.dumps({name: getattr(done, name) for name in Stamp.__slots__}), "utf-8")


def forget_wheel(place: Place, recipe: Recipe) -> None:
    with alone(place.cache_dir / "bootstrap.lock"):
        wheel = find_wheel(recipe, place.cache_dir)
        if wheel is not None:
            wheel.unlink()
        place.stamp.unlink(missing_ok=True)


def wanted_stamp(place: Place, level: str, recipe: Recipe) -> Stamp:
    sources = [place.root / "pyproject.toml", *(place.lock(each) for each in LEVELS)]
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    return Stamp(level, digest, f"{sys.executable} {sys.version} {place.root}", recipe.key)


def is_ready(place: Place, wanted: Stamp) -> bool:
    have = read_stamp(place.stamp)
    return have is not None and have.covers(wanted) and place.python.exists()


def read_stamp(path: Path) -> Stamp | None:
    try:
        return Stamp(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # absent, torn, or of another version: fill again


def check_machine(place: Place, recipe: Recipe) -> None:
    """What would fail after minutes fails now."""
    compiles = find_wheel(recipe, place.cache_dir) is None
    needed = {"g++": compiles, "python3-venv": compiles or not place.python.exists()}
    missing = [package for package in missing_system_packages(os.environ) if needed[package]]
    if missing:
        raise BootstrapError(f"missing on this machine: {', '.join(missing)}", f"apt-get install {' '.join(missing)}")
    require_owner(place.root, "bootstrap.py")
    place.cache_dir.mkdir(parents=True, exist_ok=True)
    for folder in {place.root, place.cache_dir}:
        free = shutil.disk_usage(folder).free
        if free < NEEDED_BYTES:
            raise BootstrapError(
                f"{folder} has {free / 1024**3:.1f} GiB free, the first start needs {NEEDED_BYTES / 1024**3:.0f}",
                "free some space, or move the cache with BDCHAT_CACHE_DIR",
            )


def require_owner(root: Path, script: str) -> None:
    """Raises BootstrapError for a user, or on a file system, that cannot change the checkout."""
    if not os.access(root, os.W_OK):
        raise BootstrapError(
            f"{root} is not set up whole, and this user cannot write there",
            f"run `python3 scripts/{script}` once as its owner",
        )


def missing_system_packages(environ: Mapping[str, str]) -> list[str]:
    """By their Debian names. Nothing is asked for that is not used."""
    missing = [] if compiler_command(environ) else ["g++"]
    try:
        import ensurepip  # noqa: F401  # Debian ships it apart
    except ImportError:
        missing.append("python3-venv")
    return missing


def missing_browser_packages() -> list[str]:
    """What the tests of the page in a browser need, by Debian's names: Chromium, letters for Korean, and a face as wide
    as the one that most systems have for the rest, so that pictures look alike."""
    missing = [] if shutil.which("chromium") or shutil.which("google-chrome") else ["chromium"]
    for package, pattern in (("fonts-nanum", ":lang=ko"), ("fonts-liberation", "Liberation Sans")):
        if not (shutil.which("fc-list") and _output(["fc-list", pattern, "family"])):
            missing.append(package)
    return missing


def missing_service_packages() -> list[str]:
    """The servers that tests start themselves, by Debian's names."""
    has_postgres = shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return [
        *([] if has_postgres else ["postgresql"]),
        *([] if shutil.which("redis-server") else ["redis-server"]),
        *([] if shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") else ["nginx"]),
        *([] if shutil.which("caddy") else ["caddy"]),
    ]


def install_system_packages(packages: Sequence[str]) -> None:
    if not packages or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    # Runlevel 1: an installed service is not started; the tests start their own, in their own folders.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    logs = cache_dir(os.environ) / "logs"
    run("reading Debian's package lists", ["apt-get", "update"], log=logs / "apt-update.log", env=env)
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    run(f"installing {', '.join(packages)}", command, log=logs / "apt-install.log", env=env)


def make_venv(place: Place, *, is_ours: bool) -> None:
    """Keeps a .venv that this interpreter made for this place; what an unfinished first start left is such a one."""
    version: Command = [place.python, "-c", "import sys; print(sys.version)"]
    if is_ours and place.python.exists() and _output(version) == sys.version:
        return
    command: Command = [sys.executable, "-m", "venv", "--clear", place.venv]
    run("making .venv", command, log=place.cache_dir / "logs" / "venv.log")


def install(place: Place, level: str, recipe: Recipe, environ: Mapping[str, str], models: Mapping[str, Path]) -> None:
    """What needs no llama.cpp is done while it compiles: it waits for the network, and for one core at most."""
    logs, board = place.cache_dir / "logs", Board()
    # Bytecode is made of what is imported, when it is: of all packages it takes as long again as the installation.
    pip: Command = [place.python, "-m", "pip", "--no-input", "--disable-pip-version-check", "install", "--no-compile"]

    def wheel() -> Path:
        kept = find_wheel(recipe, place.cache_dir)
        return kept or build_wheel(recipe, root=place.root, cache_dir=place.cache_dir, environ=environ, board=board)

    with beside(wheel, board) as native:
        locked: Command = ["--require-hashes", "--only-binary", ":all:", "-r", place.lock(level)]
        run("installing the locked packages", [*pip, *locked], log=logs / f"packages-{level}.log", board=board)
        own: Command = [*pip, "--no-deps", "--no-index", "--no-build-isolation", "--editable", place.root]
        run("installing bdchat", own, log=logs / "bdchat.log", board=board)
        if not native.done():
            use_the_wait(place, models, board)
        # Never again: without it documents are searched by words, and who deletes it wants that.
        try_to_pull(place, DEFAULT_EMBEDDER, models, board)
        bindings: Command = [*pip, "--no-deps", "--no-index", "--force-reinstall", native.result()]
    run("installing llama-cpp-python", bindings, log=logs / "native-install.log")


def use_the_wait(place: Place, models: Mapping[str, Path], board: Board) -> None:
    """The model and the page, which a start gets next in any case: it tries again, and tells, what fails here."""
    page: Command = [sys.executable, place.root / "scripts" / "bootstrap_webui.py", "--optional"]
    with suppress(BootstrapError):
        run("making the web page", page, log=place.cache_dir / "logs" / "webui.log", board=board)
    try_to_pull(place, DEFAULT_MODEL, models, board)


def try_to_pull(place: Place, name: str, models: Mapping[str, Path], board: Board) -> None:
    with suppress(BootstrapError):
        if name in models and not (models[name] / "models" / FILES[name]).is_file():
            pull(place, writable(models[name]), name, board)


def fetch_default_model(place: Place, data_dir: Path) -> Path:
    model = data_dir / "models" / DEFAULT_MODEL_FILE
    if model.is_file():
        return model
    with alone(place.cache_dir / "bootstrap.lock"):
        pull(place, writable(data_dir), DEFAULT_MODEL, Board())
    return model


def pull(place: Place, data_dir: Path, name: str, board: Board) -> None:
    role = "default model" if name == DEFAULT_MODEL else "model that searches documents"
    command: Command = [place.python, "-m", "bdchat", "pull", name, "--data-dir", data_dir]
    run(f"getting the {role} {name}", command, log=place.cache_dir / "logs" / f"{name}.log", board=board)


def named_model(arguments: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Another than the default is not fetched here: `bdchat serve` itself says what it needs."""
    flags = option_values(arguments, "--model")
    settings = [
        value.partition("=")[2] for value in option_values(arguments, "--set") if value.startswith("models.default=")
    ]
    return next(iter([*flags, *settings]), environ.get("BDCHAT_MODELS__DEFAULT"))


def is_offline(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """`bdchat serve --offline`, by whatever way of setting models.offline: it says itself what it needs."""
    settings = [value for value in option_values(arguments, "--set") if value.startswith("models.offline=")]
    wanted = settings[-1].partition("=")[2] if settings else environ.get("BDCHAT_MODELS__OFFLINE", "")
    return "--offline" in arguments or wanted.lower() in {"1", "true", "yes", "on", "t", "y"}


def named_data_dir(arguments: Sequence[str], environ: Mapping[str, str]) -> Path:
    """As bdchat.settings finds it, which cannot be imported yet. Raises BootstrapError for a user without a home."""
    named = option_values(arguments, "--data-dir")[-1:] or [environ.get("BDCHAT_DATA_DIR", "")]
    if named[0]:
        return Path(os.path.expanduser(named[0])).absolute()
    base = environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(base):
        if not (home := home_dir(environ)):
            raise BootstrapError(
                "no place for models and chats: this user has no home directory",
                "name a folder with --data-dir or BDCHAT_DATA_DIR",
            )
        base = os.path.join(home, ".local", "share")
    return Path(base) / "bdchat"


def option_values(arguments: Sequence[str], option: str) -> list[str]:
    """Both spellings: `--model X` and `--model=X`."""
    apart = [after for before, after in pairwise(arguments) if before == option]
    joined = [argument.partition("=")[2] for argument in arguments if argument.startswith(f"{option}=")]
    return [*apart, *joined]


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One bootstrap at a time on this cache; the kernel gives the lock back however we end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another start is setting things up; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _output(command: Command) -> str:
    shown = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)  # noqa: S603
    return shown.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
