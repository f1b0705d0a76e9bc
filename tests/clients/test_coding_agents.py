"""Claude Code and codex, from their packages, do a task with a bdchat server: they read a file and edit it.

Headless, in a scratch folder, behind a proxy that lets nobody through: another machine is out of their reach, and where
they wanted to go is told. What a small model cannot do a script says (coding_engine.py); that the default model's own
words reach their user is tried beside it.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.api.serving import make_app, served
from tests.clients.coding_engine import TASK, CodingEngine, last_words
from tests.clients.refusing_proxy import refusing_proxy
from tests.e2e.server_process import server_process

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PACKAGES = Path(__file__).parent / "coding_agents" / "node_modules"
TIMEOUT_S = 240
MODEL = "default"
CODEX_CONFIG = """
model = "{model}"
model_provider = "bdchat"
check_for_update_on_startup = false
features.plugins = false  # it would fetch their list from chatgpt.com and github.com
{more}
[analytics]
enabled = false

[model_providers.bdchat]
name = "bdchat"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "BDCHAT_API_KEY"
"""


@dataclass(frozen=True)
class Desk:
    """Where an agent works: nothing of it lies outside `home` and `folder`."""

    url: str
    home: Path
    folder: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class Ended:
    code: int
    output: str
    errors: str

    @property
    def was_cut(self) -> bool:
        """The model wrote until its context was full; each says so in its own sentence, with the limit's name."""
        return self.code != 0 and "max_output_tokens" in self.output

    def said_by_claude_code(self) -> str:
        """What it tells its user in the end."""
        told = json.loads(self.output)
        assert (self.code, told["is_error"]) == (0, False), self
        return str(told["result"])

    def said_by_codex(self) -> str:
        told = [json.loads(line) for line in self.output.splitlines()]
        assert (self.code, told[-1]["type"]) == (0, "turn.completed"), self
        said = [event["item"]["text"] for event in told if event.get("item", {}).get("type") == "agent_message"]
        return str(said[-1])


def program(pattern: str) -> Path:
    """npm installs the package of this kind of machine alone."""
    found = sorted(PACKAGES.glob(pattern))
    if not found:
        pytest.fail("the coding agents are not installed; run scripts/test, or scripts/bootstrap_clients.py")
    return found[0]


async def claude_code(desk: Desk, prompt: str, *options: str) -> Ended:
    environment = {
        "ANTHROPIC_BASE_URL": desk.url,
        "ANTHROPIC_AUTH_TOKEN": "any",
        "ANTHROPIC_MODEL": MODEL,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": MODEL,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    claude = program("@anthropic-ai/claude-code-*/claude")
    return await run([claude, "-p", prompt, "--output-format", "json", *options], environment, desk)


async def codex(desk: Desk, prompt: str, more: str = "") -> Ended:
    """Its sandbox needs rights that a container may lack; here it has but one file to touch."""
    config = desk.home / ".codex" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text(CODEX_CONFIG.format(url=desk.url, model=MODEL, more=more))
    environment = {"CODEX_HOME": str(config.parent), "BDCHAT_API_KEY": "any"}
    options = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json")
    binary = program("@openai/codex-*/vendor/*/bin/codex")
    return await run([binary, "exec", *options, prompt], environment, desk)


async def run(command: list[str | Path], environment: dict[str, str], desk: Desk) -> Ended:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=desk.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(desk.home), **desk.environment, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(), errors.decode())


def desk_at(url: str, scratch: Path, environment: dict[str, str]) -> Desk:
    home, folder = scratch / "home", scratch / "work"
    home.mkdir()
    folder.mkdir()
    return Desk(url, home, folder, environment)


Ask = Callable[[Desk, str], Awaitable[Ended]]
SAID: dict[str, Callable[[Ended], str]] = {"claude_code": Ended.said_by_claude_code, "codex": Ended.said_by_codex}
AGENTS: dict[str, Ask] = {
    "claude_code": lambda desk, prompt: claude_code(desk, prompt, "--allowedTools", "Read", "Edit"),
    "codex": codex,
}


@pytest.mark.parametrize("agent", AGENTS)
async def test_a_coding_agent_reads_a_file_and_edits_it(agent: str, tmp_path: Path) -> None:
    async with served(make_app(CodingEngine(model_id=MODEL))) as url, refusing_proxy() as proxy:
        desk = desk_at(url, tmp_path, proxy.environment())
        file = desk.folder / "pet.txt"
        file.write_text("이름 = 모찌\n나이 = 3\n", encoding="utf-8")
        ended = await AGENTS[agent](desk, TASK.format(path=file))
    assert SAID[agent](ended) == last_words(4)
    assert file.read_text("utf-8") == "이름 = 모찌\n나이 = 4\n"
    assert proxy.wanted == [], "it reached for another machine"


# Their own instructions fill a small model's context: here they have few, and hardly a tool.
CLAUDE_CODE_TERSE = ("--bare", "--tools", "", "--disable-slash-commands", "--system-prompt", "You are helpful.")
CODEX_TERSE = """
model_instructions_file = "{instructions}"
agents.enabled = false
skills.include_instructions = false
features.goals = false
features.shell_tool = false
features.unified_exec = false
"""


async def codex_terse(desk: Desk, prompt: str) -> Ended:
    instructions = desk.home / "instructions.md"
    instructions.write_text("You are helpful.")
    return await codex(desk, prompt, CODEX_TERSE.format(instructions=instructions))


TERSE: dict[str, Ask] = {
    "claude_code": lambda desk, prompt: claude_code(desk, prompt, *CLAUDE_CODE_TERSE),
    "codex": codex_terse,
}


@pytest.mark.gguf
async def test_coding_agents_tell_what_the_default_model_says(tmp_path: Path, default_model_path: Path) -> None:
    sets = ("calibrate=false", "n_threads=1", "n_ctx=2048")
    options = ("--model", str(default_model_path), *(part for each in sets for part in ("--set", f"engine.{each}")))
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    sampling = ("--set", "generations.sampling_defaults=model")
    async with server_process(data_dir, *options, *sampling) as server, refusing_proxy() as proxy:
        desk = desk_at(server.url, tmp_path, proxy.environment())
        for agent, ask in TERSE.items():
            for _ in range(3):  # a small model seldom finds no end: 1 in 32 did not
                ended = await ask(desk, "What is the capital of France?")
                if not ended.was_cut:
                    break
            assert SAID[agent](ended).strip()
    assert proxy.wanted == []


async def test_who_reaches_for_another_machine_is_kept_and_told_of() -> None:
    async with refusing_proxy() as proxy, httpx.AsyncClient(proxy=proxy.url) as client:
        with pytest.raises(httpx.ProxyError):
            await client.get("https://example.org/")
    assert proxy.wanted == ["example.org:443"]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"
