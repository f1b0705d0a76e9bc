"""The terminal chat's side of the wire: models, and one streamed answer at a time, from any OpenAI-compatible server.

Main thread, synchronous: Ctrl-C must break a read. Knows HTTP and JSON, never the terminal.
"""

import ipaddress
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

Message = dict[str, str]
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 300.0  # a place in the queue and a long prompt on a slow CPU both come before the first byte
# For talk: OpenAI's own default, temperature 1 over the whole vocabulary, makes small models ramble. A bdchat knows
# what suits its models; others are told what suits most.
# Thoughts are shown with the text, and somebody waits, whatever the key is for.
SAMPLING_OF_BDCHAT = {"sampling_defaults": "model", "reasoning_format": "none", "service_tier": "default"}
SAMPLING_OF_OTHERS = {"temperature": 0.7, "top_p": 0.95}


class ChatError(Exception):
    """What went wrong, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n→ {remedy}")
        self.problem = problem
        self.remedy = remedy


@dataclass(slots=True)
class Stats:
    """Of one answer. Counts are the server's; None where it does not tell."""

    first_token_s: float | None = None
    generation_s: float = 0.0  # first piece to last
    num_prompt_tokens: int | None = None
    num_cached_tokens: int = 0
    num_completion_tokens: int | None = None

    @property
    def tokens_per_s(self) -> float | None:
        if not self.num_completion_tokens or self.num_completion_tokens < 2 or self.generation_s <= 0:
            return None
        return (self.num_completion_tokens - 1) / self.generation_s


class ChatClient:
    """Owns the HTTP connection pool; close it with `with`."""

    def __init__(self, base_url: str, *, api_key: str | None = None, certificate: Path | None = None) -> None:
        """`certificate`: what alone is trusted. Raises ChatError."""
        self.base_url = base_url.rstrip("/")
        self._sampling: dict[str, Any] = SAMPLING_OF_OTHERS
        try:
            url = httpx.URL(self.base_url)
        except httpx.InvalidURL as error:
            raise self._bad_url() from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise self._bad_url()
        try:
            verify = ssl.create_default_context(cafile=certificate) if certificate else True
        except OSError as error:  # SSLError is one
            raise ChatError(
                f"{certificate} cannot be read as a certificate: {error.strerror or error}",
                "mend server.tls_cert, or name the server with --base-url",
            ) from error
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            verify=verify,
            trust_env=not _is_loopback(url.host),  # a proxy cannot reach our own machine
        )

    def __enter__(self) -> "ChatClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def model_ids(self) -> list[str]:
        """Raises ChatError."""
        try:
            response = self._http.get(f"{self.base_url}/models")
            if response.status_code != 200:
                raise self._refusal(response)
            entries = response.json()["data"]
            self._sampling = SAMPLING_OF_BDCHAT if _are_of_bdchat(entries) else SAMPLING_OF_OTHERS
            return [str(entry["id"]) for entry in entries]
        except httpx.HTTPError as error:
            raise self._lost(error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise self._foreign() from error

    def ask(self, model: str, messages: list[Message]) -> "StreamedAnswer":
        """Use as `with client.ask(…) as answer: for piece in answer`. Leaving early stops the generation."""
        body = {"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        body |= self._sampling
        return StreamedAnswer(self, self._http.stream("POST", f"{self.base_url}/chat/completions", json=body))

    def _refusal(self, response: httpx.Response) -> ChatError:
        """An error answer, in OpenAI's shape or not, with what the user can do."""
        detail = _error_of(_json_of(response))
        message = str(detail.get("message") or response.text[:200] or response.reason_phrase)
        status = response.status_code
        if status in {401, 403}:
            return ChatError(f"the server refuses the key: {message}", "give --api-key, or set BDCHAT_API_KEY")
        if detail.get("code") == "context_length_exceeded":
            return ChatError(f"the conversation is too long: {message}", "/undo the last turn, or start anew with /new")
        if status == 404:
            return ChatError(message, f"/model lists what is there; is {self.base_url} the right base URL?")
        if status in {429, 503}:
            wait = response.headers.get("retry-after")
            return ChatError(f"the server is busy: {message}", f"/retry {f'in {wait} s' if wait else 'in a while'}")
        if status >= 500:
            return ChatError(f"the server failed (HTTP {status}): {message}", "/retry; its log says more")
        return ChatError(f"the server refuses this (HTTP {status}): {message}", "/undo, or change what you asked")

    def _lost(self, error: httpx.HTTPError) -> ChatError:
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            remedy = "start one with `bdchat serve`, or name another with --base-url"
            return ChatError(f"no server answers at {self.base_url}", remedy)
        if isinstance(error, httpx.ReadTimeout):
            return ChatError(f"the server said nothing for {READ_TIMEOUT_S:.0f} s", "/retry; its log says more")
        return ChatError(f"the connection broke: {error}", "/retry; is the server still running?")

    def _foreign(self) -> ChatError:
        return ChatError(
            f"{self.base_url} does not speak OpenAI's API", "give the base URL that ends in /v1 with --base-url"
        )

    def _bad_url(self) -> ChatError:
        return ChatError(f"{self.base_url} is no base URL", "it looks like http://127.0.0.1:8000/v1")


class StreamedAnswer:
    """One streamed answer: iterate over its text. `stats` and `finish_reason` grow while it runs."""

    def __init__(self, client: ChatClient, opened: AbstractContextManager[httpx.Response]) -> None:
        self.stats = Stats()
        self.finish_reason: str | None = None
        self._client = client
        self._opened = opened
        self._response: httpx.Response | None = None
        self._started = 0.0

    def __enter__(self) -> "StreamedAnswer":
        self._started = time.perf_counter()
        try:
            response = self._opened.__enter__()
            if response.status_code != 200:
                response.read()
                self._opened.__exit__(None, None, None)
                raise self._client._refusal(response)
        except httpx.HTTPError as error:
            raise self._client._lost(error) from error
        self._response = response
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[str]:
        """Raises ChatError when the answer breaks off or the server reports an error in it."""
        assert self._response is not None, "enter the answer first"
        first: float | None = None
        is_done = False
        try:
            for line in self._response.iter_lines():
                data = line[5:].strip() if line.startswith("data:") else ""
                if data == "[DONE]":
                    is_done = True
                    break
                text = self._read(data) if data else ""
                if text:
                    now = time.perf_counter()
                    first = now if first is None else first
                    self.stats.first_token_s = first - self._started
                    self.stats.generation_s = now - first
                    yield text
        except httpx.HTTPError as error:
            raise self._client._lost(error) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._client._foreign() from error
        if not is_done and self.finish_reason is None:
            raise ChatError("the answer broke off", "/retry; is the server still running?")

    def _read(self, data: str) -> str:
        chunk = json.loads(data)
        if chunk.get("error"):
            raise ChatError(f"the server gave up: {_error_of(chunk).get('message')}", "/retry; its log says more")
        if usage := chunk.get("usage"):
            self.stats.num_prompt_tokens = usage.get("prompt_tokens")
            self.stats.num_completion_tokens = usage.get("completion_tokens")
            self.stats.num_cached_tokens = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        text = ""
        for choice in chunk.get("choices") or ():
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
            text += (choice.get("delta") or {}).get("content") or ""
        return text


def _are_of_bdchat(entries: list[dict[str, Any]]) -> bool:
    """By a field that no other server has."""
    return bool(entries) and all("sampling_defaults" in entry for entry in entries)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _json_of(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _error_of(body: Any) -> dict[str, Any]:
    """OpenAI's error object; other servers send a text, or nothing."""
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {"message": error}
