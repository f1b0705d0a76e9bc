"""Claude Code and codex, from their packages, do a task with a bdchat server: they read a file and change it.

Headless, in a scratch folder, with a proxy that is not there: nothing but this machine is within their reach. What a
small model cannot do a script says (coding_engine.py).
"""

import asyncio
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.serving import make_app, served
from tests.clients.coding_engine import DONE, CodingEngine

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PACKAGES = Path(__file__).parent / "node_modules"
TIMEOUT_S = 240
NOWHERE = "http://127.0.0.1:9"  # the discard port, where nobody listens
KEPT_INSIDE = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"), NOWHERE),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
}
CODEX_CONFIG = """
model = "{model}"
model_provider = "bdchat"
{more}
[model_providers.bdchat]
name = "bdchat"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "BDCHAT_API_KEY"
"""


@dataclass(frozen=True)
class Said:
    code: int
    output: str
    errors: str


def binary(*parts: str) -> Path:
    path = PACKAGES.joinpath(*parts)
    if not path.exists() and platform.machine() != "x86_64":
        pytest.skip("their packages hold a program for this kind of machine that is not installed")
    assert path.exists(), "the clients are not installed; run scripts/test, or scripts/bootstrap_clients.py"
    return path


async def claude_code(url: str, model: str, prompt: str, home: Path, folder: Path) -> Said:
    environment = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": "any",
        "ANTHROPIC_MODEL": model,
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": model,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    tools = ("--allowedTools", "Read", "Edit")
    program = binary("@anthropic-ai", "claude-code-linux-x64", "claude")
    return await run(
        program, "-p", prompt, "--output-format", "json", *tools, env=environment, home=home, folder=folder
    )


async def codex(url: str, model: str, prompt: str, home: Path, folder: Path, more: str = "") -> Said:
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(CODEX_CONFIG.format(url=url, model=model, more=more))
    environment = {"BDCHAT_API_KEY": "any", "CODEX_HOME": str(home / ".codex")}
    (program,) = binary("@openai", "codex-linux-x64", "vendor").glob("*/bin/codex")
    options = ("--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--json")
    return await run(program, "exec", *options, prompt, env=environment, home=home, folder=folder)


async def run(program: Path, *arguments: str, env: dict[str, str], home: Path, folder: Path) -> Said:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **KEPT_INSIDE, **env}
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=folder,
        env=environment,
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
    return Said(process.returncode or 0, output.decode(), errors.decode())


def last_words(said: Said, agent: str) -> str:
    """What the agent tells its user in the end."""
    if agent == "claude_code":
        told = json.loads(said.output)
        assert told["is_error"] is False, said
        return str(told["result"])
    items = [json.loads(line) for line in said.output.splitlines() if line.startswith("{")]
    assert items[-1]["type"] == "turn.completed", said
    texts = [item["item"]["text"] for item in items if item.get("item", {}).get("type") == "agent_message"]
    return str(texts[-1])


AGENTS = {"claude_code": claude_code, "codex": codex}


@pytest.mark.parametrize("agent", AGENTS)
async def test_a_coding_agent_reads_a_file_and_changes_it(agent: str, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    file = folder / "greeting.txt"
    file.write_text("안녕 apple\n")
    engine = CodingEngine(model_id="coder", n_ctx=1_000_000)
    async with served(make_app(engine)) as url:
        prompt = f"TASK {file} apple pear\nRead the file and change it."
        said = await AGENTS[agent](url, "coder", prompt, home, folder)
    assert said.code == 0, said
    assert last_words(said, agent) == DONE
    assert file.read_text() == "안녕 pear\n"
    assert any("안녕 apple" in result for result in engine.seen_results), "it never read the file"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"
