"""`bdchat chat`: a conversation in the terminal, over HTTP with any OpenAI-compatible server.

Main thread. Owns the conversation and its commands; knows no HTTP (chat_client.py) and draws nothing (chat_screen.py).
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bdchat.chat_client import ChatClient, ChatError, Message, Stats
from bdchat.chat_screen import Screen, standard_screen, stats_line

PROMPT = "› "
MORE = "… "
INTERRUPTED = 130  # as a shell reports Ctrl-C
HELP = """\
/new             forget the conversation
/system TEXT     set the system prompt, for the next answer on; alone: show it
/model NAME      change the model; alone: list the models
/retry           ask the last question again
/undo            take the last question and its answer back
/save FILE       write the conversation: Markdown, or JSON when FILE ends in .json
/stats           totals of this session
/quit            leave (Ctrl-D too)
Ctrl-C stops an answer. A line that ends in \\ goes on in the next. // at the start sends a line that begins with /."""

ReadLine = Callable[[str], str]  # raises EOFError at the end, KeyboardInterrupt at Ctrl-C


def run(
    base_url: str,
    *,
    model: str | None = None,
    system: str | None = None,
    api_key: str | None = None,
    question: str | None = None,
    history_file: Path | None = None,
    certificate: Path | None = None,
) -> int:
    """The exit code. One question, from the argument or a pipe, is answered and that is all; else a conversation.
    `certificate`: of our own server, which no authority has signed."""
    screen = standard_screen()
    try:
        piped = None if sys.stdin.isatty() else sys.stdin.read().strip()
        text = "\n\n".join(part for part in (question, piped) if part)
        if not text and piped is not None:
            raise ChatError("nothing was asked", 'bdchat chat "a question", or pipe one in')
        with ChatClient(base_url, api_key=api_key, certificate=certificate) as client:
            chat = TerminalChat(client, screen, model=model, system=system)
            chat.connect()
            if text:
                return chat.answer_once(text)
            return chat.converse(line_reader(history_file))
    except ChatError as error:
        screen.error(error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def line_reader(history_file: Path | None) -> ReadLine:
    """`input` with line editing, which knows the width of Korean; earlier lines come back when a file is given."""
    try:
        import atexit
        import readline
    except ImportError:  # a Python built without it: lines still work
        return input
    if history_file is not None:
        if history_file.exists():
            readline.read_history_file(history_file)
        atexit.register(_write_history, history_file)
    return input


def _write_history(path: Path) -> None:
    import readline

    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    readline.set_history_length(1000)
    readline.write_history_file(path)


@dataclass(slots=True)
class ChatTotals:
    num_answers: int = 0
    stats: Stats = field(default_factory=Stats)

    def add(self, stats: Stats) -> None:
        self.num_answers += 1
        self.stats.num_prompt_tokens = (self.stats.num_prompt_tokens or 0) + (stats.num_prompt_tokens or 0)
        self.stats.num_completion_tokens = (self.stats.num_completion_tokens or 0) + (stats.num_completion_tokens or 0)
        self.stats.num_cached_tokens += stats.num_cached_tokens
        self.stats.generation_s += stats.generation_s


class TerminalChat:
    """One conversation. Its messages end with an assistant's, but while one is being answered."""

    def __init__(
        self, client: ChatClient, screen: Screen, *, model: str | None = None, system: str | None = None
    ) -> None:
        self.messages: list[Message] = []
        self.model = model or ""
        self.system = system or ""
        self.totals = ChatTotals()
        self._client = client
        self._screen = screen
        self._failed_question: str | None = None  # what /retry asks after an error
        self._commands: dict[str, Callable[[str], None]] = {
            "help": self._help,
            "new": self._new,
            "system": self._system,
            "model": self._model,
            "retry": self._retry,
            "undo": self._undo,
            "save": self._save,
            "stats": self._stats,
        }

    def connect(self) -> None:
        """Raises ChatError when no server is there, or it has no such model."""
        models = self._client.model_ids()
        if not models and not self.model:
            raise ChatError("the server has no model", "start it with one: bdchat serve --model NAME")
        self.model = self.model or models[0]

    def answer_once(self, question: str) -> int:
        """For scripts: the answer on standard output, errors and exit code as a command's."""
        try:
            self.messages.append({"role": "user", "content": question})
            self._answer()
        except KeyboardInterrupt:
            return INTERRUPTED
        return 0

    def converse(self, read: ReadLine) -> int:
        self._screen.say(f"{self.model} at {self._client.base_url} · /help lists the commands")
        while True:
            try:
                line = self._read_question(read)
            except EOFError:
                self._screen.say("")
                return 0
            except KeyboardInterrupt:
                self._screen.say("(/quit or Ctrl-D leaves)")
                continue
            if line in {"/quit", "/exit"}:
                return 0
            try:
                self._handle(line)
            except ChatError as error:
                self._screen.error(error)
            except KeyboardInterrupt:
                self._screen.say("(stopped)")

    def _read_question(self, read: ReadLine) -> str:
        lines = [read(PROMPT)]
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            lines.append(read(MORE))
        return "\n".join(lines).strip()

    def _handle(self, line: str) -> None:
        if not line:
            return
        if not line.startswith("/") or line.startswith("//"):
            self._ask(line[1:] if line.startswith("//") else line)
            return
        name, _, argument = line[1:].partition(" ")
        command = self._commands.get(name)
        if command is None:
            raise ChatError(f"there is no command /{name}", "/help lists them; // sends a line that begins with /")
        command(argument.strip())

    def _ask(self, question: str) -> None:
        """A question without an answer leaves the conversation again: the next one must not follow it."""
        self.messages.append({"role": "user", "content": question})
        self._failed_question = question
        try:
            self._answer()
            self._failed_question = None
        finally:
            if self.messages and self.messages[-1]["role"] == "user":
                self.messages.pop()

    def _answer(self) -> None:
        """Streams the answer to the last message. What came before an error or Ctrl-C is kept."""
        prompt = [{"role": "system", "content": self.system}] if self.system else []
        pieces: list[str] = []
        answer = self._client.ask(self.model, [*prompt, *self.messages])
        try:
            with self._screen.answering() as view, answer:
                for piece in answer:
                    pieces.append(piece)
                    view.add(piece)
        finally:
            if pieces:
                self.messages.append({"role": "assistant", "content": "".join(pieces)})
            self.totals.add(answer.stats)
        if not pieces:
            self._screen.note("(the model said nothing)")
        if answer.finish_reason == "length":
            self._screen.note("(cut off: the context or the token limit is reached)")
        self._screen.stats(answer.stats)

    def _help(self, _: str) -> None:
        self._screen.say(HELP)

    def _new(self, _: str) -> None:
        self.messages.clear()
        self._failed_question = None
        self._screen.say("a new conversation")

    def _system(self, text: str) -> None:
        if text:
            self.system = text
        self._screen.say(f"system prompt: {self.system or 'none'}")

    def _model(self, name: str) -> None:
        models = self._client.model_ids()
        if not name:
            for each in models:
                self._screen.say(f"{'*' if each == self.model else ' '} {each}")
            return
        if name not in models:
            raise ChatError(f"the server has no model {name}", f"it has: {', '.join(models) or 'none'}")
        self.model = name
        self._screen.say(f"model: {name}")

    def _retry(self, _: str) -> None:
        question = self._failed_question or self._take_back()
        if question is None:
            raise ChatError("there is nothing to ask again", "ask something first")
        self._ask(question)

    def _undo(self, _: str) -> None:
        question = self._take_back()
        if question is None:
            raise ChatError("there is nothing to take back", "ask something first")
        self._failed_question = None
        self._screen.say(f"taken back: {question[:60]}")

    def _take_back(self) -> str | None:
        """The last question, now out of the conversation with its answer."""
        while self.messages:
            message = self.messages.pop()
            if message["role"] == "user":
                return message["content"]
        return None

    def _save(self, name: str) -> None:
        if not name:
            raise ChatError("no file is named", "/save conversation.md")
        path = Path(name).expanduser()
        messages = [{"role": "system", "content": self.system}] if self.system else []
        messages += self.messages
        if path.suffix == ".json":
            content = json.dumps({"model": self.model, "messages": messages}, ensure_ascii=False, indent=2)
        else:
            content = "\n\n".join(f"## {message['role']}\n\n{message['content']}" for message in messages)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(content + "\n")
        except FileExistsError as error:
            raise ChatError(f"{path} exists", "choose another name; nothing is overwritten") from error
        except OSError as error:
            raise ChatError(f"{path} cannot be written: {error.strerror}", "choose another place") from error
        self._screen.say(f"{len(messages)} messages in {path}")

    def _stats(self, _: str) -> None:
        self._screen.say(f"{self.totals.num_answers} answers · {stats_line(self.totals.stats)}")
