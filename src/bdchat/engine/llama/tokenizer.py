"""Text ↔ ids by llama.cpp's own vocabulary. Any thread: llama.cpp only reads it, and every call gives up the GIL.

Untrusted text never yields a control token. llama.cpp's parse_special=False is not enough for that: it still makes
user-defined tokens out of text, and SentencePiece merges may spell a control token's text (`</` + `s>`). So the ids of
untrusted text are looked at, and text that gave a control token is tokenised in parts.
"""

import ctypes
import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp

from bdchat.engine.errors import InvalidRequest, ModelLoadFailed
from bdchat.engine.llama.library import recorded_errors, start_library
from bdchat.engine.text.tokenizer import FimTokens, Segment

_SPECIAL = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
_MAX_TEXT_BYTES = 2**31 - 1  # int32 in llama_tokenize
# User-defined tokens are either structure (<tool_call>, [THINK], <|user|>) or plain text that happens to be one token:
# runs of spaces, HTML tags (gemma). Only structure is kept away from users.
_STRUCTURE = re.compile(r"<[^<>\s]+>|\[/?[A-Z0-9_]{2,}\]|\{\{?[a-z_]+\}?\}|<｜[^<>]+｜>")
_HTML = re.compile(
    r"</?(?:table|caption|thead|tbody|tfoot|tr|th|td|ul|ol|li|h[1-6]|blockquote|code|pre|strong|em|b|i|u|s|sub|sup|p|"
    r"br|hr|a|img|div|span|html|head|body)>"
)


class LlamaTokenizer:
    """`model` is a llama_model pointer; it must outlive this object.

    Segments given to `encode` must meet at control tokens only (chat_template makes them so)."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        self.n_vocab = int(llama_cpp.llama_vocab_n_tokens(self._vocab))
        self._pieces: list[bytes | None] = [None] * self.n_vocab
        self._longest_token_bytes: int | None = None
        self.bos_id = _id_or_none(llama_cpp.llama_vocab_bos(self._vocab))
        self.eos_id = _id_or_none(llama_cpp.llama_vocab_eos(self._vocab))
        self.adds_bos = self.bos_id is not None and bool(llama_cpp.llama_vocab_get_add_bos(self._vocab))
        self.bos_text = self._text_of(self.bos_id)
        self.eos_text = self._text_of(self.eos_id)
        self._read_special_tokens()
        self.fim = self._fim_tokens()
        self.adds_space_prefix = self._is_spm() and self._first_bytes("a") == b" "

    @property
    def chat_template(self) -> str | None:
        """The GGUF's own, None when it has none."""
        source = llama_cpp.llama_model_chat_template(self._model, None)
        return None if source is None else source.decode("utf-8", errors="replace")

    def encode(self, segments: Sequence[Segment], *, add_bos: bool | None = None) -> list[int]:
        """Raises InvalidRequest for text that is no Unicode (lone surrogates)."""
        tokens: list[int] = []
        for index, segment in enumerate(segments):
            text = segment.text if index == 0 else self._after_control(segment.text)
            if segment.trusted:
                tokens += self._tokenize(self._without_doubled_spaces(text), special=True)
            else:
                tokens += self._encode_plain(text)
        wants_bos = self.adds_bos if add_bos is None else add_bos and self.bos_id is not None
        if wants_bos and tokens[:1] != [self.bos_id]:
            assert self.bos_id is not None
            tokens.insert(0, self.bos_id)
        return tokens

    def encode_inside(self, text: str) -> list[int]:
        return self._encode_plain(text, is_continued=True)

    def around_texts(self) -> tuple[list[int], list[int]]:
        """What this vocabulary puts before and behind a text, CLS and SEP for one: found by asking for both."""
        bare, whole = self._tokenize("a", special=False), self._tokenize("a", special=False, adds_ends=True)
        start = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
        return whole[:start], whole[start + len(bare) :]

    def between_texts(self) -> list[int]:
        """And between a query and a document that is ranked against it."""
        eos = llama_cpp.llama_vocab_eos(self._vocab)
        sep = llama_cpp.llama_vocab_sep(self._vocab)
        ends = [eos if eos >= 0 else sep] if llama_cpp.llama_vocab_get_add_eos(self._vocab) else []
        return [int(token) for token in (*ends, *([sep] if llama_cpp.llama_vocab_get_add_sep(self._vocab) else []))]

    def token_bytes(self, token_id: int) -> bytes:
        piece = self._pieces[token_id]
        if piece is None:
            piece = self._pieces[token_id] = self._read_piece(token_id, special=False)
        return piece

    def longest_token_bytes(self) -> int:
        if self._longest_token_bytes is None:
            visible = max(len(self.token_bytes(token)) for token in range(self.n_vocab))
            self._longest_token_bytes = max(visible, *(len(text.encode()) for text in self._control.values()), 1)
        return self._longest_token_bytes

    def is_end_of_generation(self, token_id: int) -> bool:
        return token_id in self._end_ids

    def is_control(self, token_id: int) -> bool:
        """Whether untrusted text can never become this token."""
        return token_id in self._control

    def control_texts(self) -> Sequence[str]:
        return tuple(self._control.values())

    def generable_texts(self) -> Sequence[str]:
        return tuple(text for token_id, text in self._control.items() if token_id not in self._hidden)

    def control_text(self, token_id: int) -> str:
        """A control token as it is written in a template, "" for other tokens."""
        return self._control.get(token_id, "")

    # Vocabulary

    def _read_special_tokens(self) -> None:
        self._control: dict[int, str] = {}
        hidden, ends, parsed = set(), set(), []
        for token_id in range(self.n_vocab):
            attributes = int(llama_cpp.llama_vocab_get_attr(self._vocab, token_id))
            is_user_defined = bool(attributes & llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED)
            may_end = attributes & _SPECIAL or is_user_defined or token_id == self.eos_id
            is_end = bool(may_end) and bool(llama_cpp.llama_vocab_is_eog(self._vocab, token_id))
            if is_end:
                ends.add(token_id)
            if not (is_end or is_user_defined or attributes & _SPECIAL):
                continue
            text = self._text_of(token_id)
            if text and (attributes & _SPECIAL or is_user_defined):
                parsed.append(text)
            if attributes & _SPECIAL:
                hidden.add(token_id)
            if text and (is_end or attributes & _SPECIAL or _is_structure(text)):
                self._control[token_id] = text
        self._end_ids, self._hidden = frozenset(ends), frozenset(hidden)
        self._space_after = re.compile(f"({_any_of(parsed)}) ") if parsed and self._is_spm() else None

    def _fim_tokens(self) -> FimTokens | None:
        """As the file's keys name them or llama.cpp knows their texts; Mistral's, which it does not know, by theirs.
        Untrusted text never becomes one, whatever its type."""
        vocab, ids = self._vocab, {text: token_id for token_id, text in self._control.items()}
        found = FimTokens(
            prefix=llama_cpp.llama_vocab_fim_pre(vocab),
            suffix=llama_cpp.llama_vocab_fim_suf(vocab),
            middle=llama_cpp.llama_vocab_fim_mid(vocab),
            file=_id_or_none(llama_cpp.llama_vocab_fim_sep(vocab)),
        )
        if "[PREFIX]" in ids and "[SUFFIX]" in ids:
            found = FimTokens(ids["[PREFIX]"], ids["[SUFFIX]"], middle=None, file=None, is_suffix_first=True)
        if any(token_id is not None and token_id < 0 for token_id in found[:3]):
            return None
        for token_id in found[:4]:
            if token_id is not None and (text := self._text_of(token_id)):
                self._control.setdefault(token_id, text)
        return found

    def _is_spm(self) -> bool:
        return bool(llama_cpp.llama_vocab_type(self._vocab) == llama_cpp.LLAMA_VOCAB_TYPE_SPM)

    def _text_of(self, token_id: int | None) -> str:
        if token_id is None:
            return ""
        raw = llama_cpp.llama_vocab_get_text(self._vocab, token_id)
        return raw.decode("utf-8", errors="replace") if raw else ""

    def _first_bytes(self, text: str) -> bytes:
        return self._read_piece(self._tokenize(text, special=False)[0], special=False)[:1]

    def _read_piece(self, token_id: int, *, special: bool) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = int(llama_cpp.llama_token_to_piece(self._vocab, token_id, buffer, size, 0, special))
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    # SentencePiece's space before a text: llama.cpp puts one before the first text and after every control token,
    # templates write one there too. Reference tokenisers have one.

    def _without_doubled_spaces(self, text: str) -> str:
        if not self.adds_space_prefix or self._space_after is None:
            return text
        return self._space_after.sub(r"\1", text)

    def _after_control(self, text: str) -> str:
        return text.removeprefix(" ") if self.adds_space_prefix else text

    # llama_tokenize

    def _tokenize(self, text: str, *, special: bool, adds_ends: bool = False) -> list[int]:
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            raise InvalidRequest("messages", "the text holds a lone surrogate, which is no character") from None
        if len(raw) > _MAX_TEXT_BYTES // 2:
            raise InvalidRequest("messages", "the text is too long to tokenise")
        size = len(raw) // 2 + 16
        while True:
            buffer = (llama_cpp.llama_token * size)()
            count = int(llama_cpp.llama_tokenize(self._vocab, raw, len(raw), buffer, size, adds_ends, special))
            if count >= 0:
                return list(buffer[:count])
            size = -count

    def _encode_plain(self, text: str, *, is_continued: bool = False) -> list[int]:
        """Tokens of untrusted text; none is a control token."""
        tokens = self._continue(text) if is_continued else self._tokenize(text, special=False)
        found = {self._control[token] for token in tokens if token in self._control}
        if not found:
            return tokens
        if len(text) <= 1:  # a control token of one character: only its bytes are left to say
            return []
        firsts = "".join(re.escape(control[0]) for control in found)
        parts = re.split(f"(?<=[{firsts}])(?={_any_of(control[1:] for control in found)})", text)
        if len(parts) == 1:
            parts = list(text)
        return [
            token
            for index, part in enumerate(parts)
            for token in self._encode_plain(part, is_continued=is_continued or index > 0)
        ]

    def _continue(self, text: str) -> list[int]:
        """Without SentencePiece's space in front: behind a newline, whose tokens are cut off again."""
        if not self.adds_space_prefix:
            return self._tokenize(text, special=False)
        newline = self._tokenize("\n", special=False)
        tokens = self._tokenize("\n" + text, special=False)
        if tokens[: len(newline)] == newline:
            return tokens[len(newline) :]
        return self._tokenize(text, special=False)


def _id_or_none(token_id: int) -> int | None:
    return int(token_id) if token_id >= 0 else None


def _is_structure(text: str) -> bool:
    return bool(_STRUCTURE.fullmatch(text)) and not _HTML.fullmatch(text)


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))


@contextmanager
def open_vocab(path: Path) -> Generator[LlamaTokenizer]:
    """The tokenizer of a GGUF without its weights. Raises ModelLoadFailed."""
    start_library()
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    with recorded_errors() as errors:
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    if not model:
        raise ModelLoadFailed(path.name, errors[-1] if errors else "llama.cpp could not load its vocabulary")
    try:
        yield LlamaTokenizer(model)
    finally:
        llama_cpp.llama_model_free(model)
