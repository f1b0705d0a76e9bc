"""The terminal chat against a loopback server: what it sends, shows, keeps and says when things go wrong."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from bdchat.chat import INTERRUPTED, TerminalChat
from bdchat.chat_client import ChatClient, ChatError, Stats
from bdchat.chat_screen import LiveView, Screen, split_settled, stats_line, without_control
from tests.patience import PATIENCE_S
from tests.sse_server import DONE, HOLD, Answer, Asked, LoopbackServer, delta, event, json_answer, streamed

MODELS = json_answer({"object": "list", "data": [{"id": "tiny"}, {"id": "big"}]})


def responder(*answers: Answer) -> Callable[[Asked], Answer]:
    """GET gets the models; each POST the next answer, the last one for ever."""
    left = list(answers)
    return lambda asked: MODELS if asked.method == "GET" else left.pop(0) if len(left) > 1 else left[0]


class Talk:
    """A scripted session: what was typed, what was shown."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.out = io.StringIO()
        self.err = io.StringIO()
        console = Console(file=self.out, force_terminal=terminal, width=80, height=24)
        self.screen = Screen(console, Console(file=self.err, width=200))
        self.chat: TerminalChat | None = None

    def converse(self, server: LoopbackServer, *lines: str | type[BaseException], **options: str) -> int:
        typed = iter(lines)

        def read(_: str) -> str:
            line = next(typed, EOFError)
            if isinstance(line, str):
                return line
            raise line

        with ChatClient(server.base_url) as client:
            self.chat = TerminalChat(client, self.screen, **options)
            self.chat.connect()
            return self.chat.converse(read)

    @property
    def messages(self) -> list[dict[str, str]]:
        assert self.chat is not None
        return self.chat.messages


def talk(
    lines: list[str | type[BaseException]], *answers: Answer, terminal: bool = False, **options: str
) -> tuple[Talk, list[Asked]]:
    """A whole session in a thread beside the server; (what happened, the POSTs that it made)."""
    session = Talk(terminal=terminal)

    async def use(server: LoopbackServer) -> None:
        assert await asyncio.to_thread(session.converse, server, *lines, **options) == 0

    return session, [asked for asked in with_server(responder(*answers), use) if asked.method == "POST"]


def with_server(respond: Callable[[Asked], Answer], use: Callable[[LoopbackServer], Awaitable[None]]) -> list[Asked]:
    async def scenario() -> list[Asked]:
        async with asyncio.timeout(PATIENCE_S), LoopbackServer(respond) as server:
            await use(server)
            return server.asked

    return asyncio.run(scenario())


def roles(asked: Asked) -> list[str]:
    return [message["role"] for message in asked.body["messages"]]


# the conversation


def test_a_bdchat_is_asked_for_the_models_own_numbers_others_for_careful_ones() -> None:
    """One question, one model: page and terminal answer alike. No field of ours goes to another's server."""
    _, asked = talk(["q"], streamed("ok"))
    assert (asked[0].body["temperature"], asked[0].body["top_p"]) == (0.7, 0.95)
    assert "sampling_defaults" not in asked[0].body
    ours = json_answer({"object": "list", "data": [{"id": "tiny", "sampling_defaults": {"temperature": 0.6}}]})
    session = Talk()

    async def use(server: LoopbackServer) -> None:
        assert await asyncio.to_thread(session.converse, server, "q") == 0

    answers = with_server(lambda request: ours if request.method == "GET" else streamed("ok"), use)
    body = next(each.body for each in answers if each.method == "POST")
    assert body["sampling_defaults"] == "model"
    assert not {"temperature", "top_p"} & body.keys()


def test_a_turn_carries_all_earlier_ones() -> None:
    session, asked = talk(["첫 질문", "second"], streamed("첫 ", "대답"), streamed("ok"), system="Be brief.")
    assert roles(asked[1]) == ["system", "user", "assistant", "user"]
    assert [message["content"] for message in asked[1].body["messages"]] == [
        "Be brief.",
        "첫 질문",
        "첫 대답",
        "second",
    ]
    assert asked[0].body["model"] == "tiny"
    assert "첫 대답\nok\n" in session.out.getvalue()


def test_a_terminal_shows_what_the_answer_cost() -> None:
    session, _ = talk(["q"], streamed("a", "b", "c", prompt=40, cached=32), terminal=True)
    assert "3 tokens" in session.out.getvalue()
    assert "prompt 40, 32 of them cached" in session.out.getvalue()
    assert "first after" in session.out.getvalue()


def test_markdown_is_drawn_in_a_terminal_and_left_alone_elsewhere() -> None:
    answer = streamed("# Title\n\n", "some **bold** text")
    assert "**bold**" in talk(["q"], answer)[0].out.getvalue()
    drawn = talk(["q"], answer, terminal=True)[0].out.getvalue()
    assert "**bold**" not in drawn
    assert "bold" in drawn


def test_a_model_cannot_command_the_terminal() -> None:
    session, _ = talk(["q"], streamed("a\x1b]0;owned\x07\x1b[2Jb\x9b31m"), terminal=True)
    assert "\x1b]0;" not in session.out.getvalue()
    assert "\x1b[2J" not in session.out.getvalue()
    assert without_control("한\t글\n😀\x1b\x00\x9b") == "한\t글\n😀"


def test_a_line_may_go_on_and_begin_with_a_slash() -> None:
    _, asked = talk(["one\\", "two", "//etc is a path", "   "], streamed("ok"))
    assert [each.body["messages"][-1]["content"] for each in asked] == ["one\ntwo", "/etc is a path"]


def test_ctrl_c_at_the_prompt_does_not_leave() -> None:
    session, asked = talk([KeyboardInterrupt, "q"], streamed("ok"))
    assert len(asked) == 1
    assert "Ctrl-D" in session.out.getvalue()


class InterruptingScreen(Screen):
    """Ctrl-C comes with the second piece, as the signal would: inside the reading of the answer."""

    def answering(self):  # type: ignore[no-untyped-def]  # a context manager of a LiveView, as in the class above
        from contextlib import contextmanager

        @contextmanager
        def shown() -> Iterator[LiveView]:
            with Screen.answering(self) as view:
                yield _Interrupting(view)

        return shown()


class _Interrupting:
    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._count = 0

    def add(self, piece: str) -> None:
        self._view.add(piece)
        self._count += 1
        if self._count == 2:
            raise KeyboardInterrupt


def test_ctrl_c_stops_the_answer_and_keeps_what_came() -> None:
    session = Talk()
    session.screen = InterruptingScreen(Console(file=session.out), Console(file=session.err))

    async def use(server: LoopbackServer) -> None:
        await asyncio.to_thread(session.converse, server, "q", "/stats")
        await server.left.wait()  # the server sees us leave, and can stop computing

    with_server(responder(Answer([event(delta("one ")), event(delta("two")), HOLD])), use)
    assert session.messages[-1] == {"role": "assistant", "content": "one two"}
    assert "(stopped)" in session.out.getvalue()
    assert "1 answers" in session.out.getvalue()


# commands


def test_every_command_of_the_help_exists() -> None:
    names = ["new", "system", "model", "retry", "undo", "save", "stats", "quit"]
    session, asked = talk(["/help"])
    assert all(f"/{name}" in session.out.getvalue() for name in names)
    assert asked == []


def test_new_forgets_and_system_stays() -> None:
    _, asked = talk(["a", "/system Speak Korean.", "/new", "b", "/quit", "c"], streamed("ok"))
    assert [roles(each) for each in asked] == [["user"], ["system", "user"]]


def test_retry_asks_the_last_question_again_without_its_answer() -> None:
    session, asked = talk(["a", "b", "/retry"], streamed("1"), streamed("2"), streamed("3"))
    assert asked[2].body["messages"] == asked[1].body["messages"]
    assert [message["content"] for message in session.messages] == ["a", "1", "b", "3"]


def test_undo_takes_a_turn_back() -> None:
    session, _ = talk(["a", "b", "/undo"], streamed("1"), streamed("2"))
    assert [message["content"] for message in session.messages] == ["a", "1"]


def test_model_lists_and_changes() -> None:
    session, asked = talk(["/model", "/model big", "q", "/model none"], streamed("ok"))
    assert "* tiny" in session.out.getvalue()
    assert asked[0].body["model"] == "big"
    assert "no model none" in session.err.getvalue()


def test_save_writes_markdown_or_json_and_overwrites_nothing(tmp_path: Path) -> None:
    text, data = tmp_path / "a.md", tmp_path / "a.json"
    session, _ = talk(["질문", f"/save {text}", f"/save {data}", f"/save {text}", "/save"], streamed("대답"))
    assert text.read_text("utf-8") == "## user\n\n질문\n\n## assistant\n\n대답\n"
    assert json.loads(data.read_text("utf-8"))["messages"][1]["content"] == "대답"
    assert "exists" in session.err.getvalue()
    assert "no file is named" in session.err.getvalue()


@pytest.mark.parametrize("line", ["/retry", "/undo", "/frobnicate"])
def test_what_cannot_be_done_is_said_with_a_remedy(line: str) -> None:
    session, asked = talk([line])
    assert "→" in session.err.getvalue()
    assert asked == []


# errors


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, {"message": "bad key"}, "--api-key"),
        (400, {"message": "too long", "code": "context_length_exceeded"}, "/new"),
        (404, {"message": "no such model"}, "/model"),
        (503, {"message": "queue full"}, "busy"),
        (500, {"message": "oops"}, "/retry"),
        (400, "a text", "a text"),
    ],
)
def test_a_refused_question_leaves_the_conversation_and_can_be_retried(status: int, error: object, said: str) -> None:
    session, asked = talk(["q", "/retry"], json_answer({"error": error}, status), streamed("ok"))
    assert said in session.err.getvalue()
    assert roles(asked[1]) == ["user"]
    assert [message["content"] for message in session.messages] == ["q", "ok"]


@pytest.mark.parametrize(
    "parts",
    [
        [event(delta("half"))],
        [event(delta("half")), event({"error": {"message": "engine died"}}), DONE],
        [event(delta("half")), b"data: not json\n\n"],
    ],
)
def test_a_broken_answer_is_said_and_kept(parts: list[bytes]) -> None:
    session, _ = talk(["q"], Answer(parts))
    assert "→" in session.err.getvalue()
    assert session.messages[-1]["content"] == "half"


def test_no_server_says_how_to_start_one() -> None:
    with ChatClient("http://127.0.0.1:1/v1") as client, pytest.raises(ChatError) as caught:
        client.model_ids()
    assert "bdchat serve" in caught.value.remedy


def test_a_server_of_another_kind_is_named_as_such() -> None:
    async def use(server: LoopbackServer) -> None:
        with ChatClient(server.base_url) as client, pytest.raises(ChatError, match="does not speak"):
            await asyncio.to_thread(client.model_ids)

    with_server(lambda _: Answer([b"<html>"], content_type="text/html"), use)


@pytest.mark.parametrize("url", ["", "ftp://x/v1", "127.0.0.1:8000", "http://"])
def test_a_bad_base_url_is_refused(url: str) -> None:
    with pytest.raises(ChatError, match="no base URL"):
        ChatClient(url)


# drawing


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("a", ""),
        ("a\n\n", "a\n\n"),
        ("a\n\nb", "a\n\n"),
        ("```py\nx\n\ny\n", ""),
        ("```py\nx\n\ny\n```\n\nz", "```py\nx\n\ny\n```\n\n"),
        ("~~~\n```\n\n", ""),
        ("a\n\n- b\n- c", "a\n\n"),
    ],
)
def test_a_block_settles_at_a_blank_line_outside_code(text: str, settled: str) -> None:
    assert split_settled(text) == (settled, text[len(settled) :])


def test_pieces_settle_as_the_whole_would() -> None:
    text = "# t\n\npara\n\n```\na\n\nb\n```\n\nend"
    done, rest = "", ""
    for char in text:
        settled, rest = split_settled(rest + char)
        done += settled
    assert (done, rest) == split_settled(text)


def test_a_block_higher_than_the_terminal_is_whole_in_the_end() -> None:
    lines = [f"line-{number}\n" for number in range(100)]
    session, _ = talk(["q"], streamed("```\n", *lines, "```"), terminal=True)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", session.out.getvalue()).split()
    assert " ".join(line.strip() for line in lines) in " ".join(shown)


def test_speed_is_over_the_tokens_after_the_first() -> None:
    stats = Stats(first_token_s=0.5, generation_s=2.0, num_prompt_tokens=7, num_completion_tokens=21)
    assert stats_line(stats) == "21 tokens · 10.0 tokens/s · first after 0.50 s · prompt 7, 0 of them cached"
    assert stats_line(Stats()) == ""


# the process

PROGRAM = "import sys; from bdchat.chat import run; sys.exit(run(sys.argv[1], question=sys.argv[2] or None))"


async def start(server: LoopbackServer, question: str) -> asyncio.subprocess.Process:
    pipe = subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        server.base_url,
        question,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env={**os.environ, "PYTHONPATH": "src", "PYTHONIOENCODING": "utf-8"},
        # as in a terminal: a shell's background jobs, tests among them, inherit that Ctrl-C is ignored
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def test_a_piped_question_is_answered_with_nothing_but_the_answer() -> None:
    async def use(server: LoopbackServer) -> None:
        process = await start(server, "번역:")
        out, err = await process.communicate("안녕\n".encode())
        assert (out.decode(), process.returncode) == ("hello\n", 0)
        assert b"cut off" in err

    asked = with_server(responder(streamed("hel", "lo")), use)
    assert asked[-1].body["messages"] == [{"role": "user", "content": "번역:\n\n안녕"}]


def test_an_empty_pipe_is_an_error() -> None:
    async def use(server: LoopbackServer) -> None:
        process = await start(server, "")
        out, err = await process.communicate(b"")
        assert (out, process.returncode) == (b"", 1)
        assert b"nothing was asked" in err

    with_server(responder(streamed("x")), use)


def test_ctrl_c_ends_a_single_question_with_what_came() -> None:
    async def use(server: LoopbackServer) -> None:
        process = await start(server, "q")
        assert process.stdin is not None
        process.stdin.close()
        assert process.stdout is not None
        assert await process.stdout.readexactly(4) == b"half"
        process.send_signal(signal.SIGINT)
        assert await process.stdout.read() == b"\n"
        assert await process.wait() == INTERRUPTED
        await server.left.wait()

    with_server(responder(Answer([event(delta("half")), HOLD])), use)
