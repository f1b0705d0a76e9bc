"""Prompt → token ids, whatever shape it came in. Any thread."""

from collections.abc import Callable, Sequence
from typing import Self

from bdchat.engine.answers.detection import shown_marks
from bdchat.engine.errors import ContextLengthExceeded, InvalidRequest
from bdchat.engine.model_info import AnswerFormat
from bdchat.engine.request import ChatPrompt, FimPrompt, Prompt, TextPrompt, TokenPrompt, TokenText
from bdchat.engine.text.answer_marks import AnswerMarks, answer_marks, closing_of_open_thought
from bdchat.engine.text.chat_template import ChatTemplate
from bdchat.engine.text.control_text import ControlText
from bdchat.engine.text.fim import FimWriter
from bdchat.engine.text.tokenizer import Segment, Tokenizer

_SAMPLE_CHARS = 16_384
_MAX_READ_BYTES = 8 << 20  # what an answer says of it stays far below a frame's bound
_TAIL_TOKENS = 32  # of a prompt, in which a tag at its end is looked for: a vocabulary may spell it letter by letter


class PromptBuilder:
    """Its collaborators are only read, so that it can be shared. With `n_ctx`, text that no tokenizer could make fit is
    refused before it is tokenised: eight megabytes take seconds, and other prompts wait meanwhile."""

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, *, n_ctx: int | None = None) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._n_ctx = n_ctx

    def bounded(self, n_ctx: int) -> Self:
        return type(self)(self._tokenizer, self._template, n_ctx=n_ctx)

    @property
    def has_fim(self) -> bool:
        return self._tokenizer.fim is not None

    @property
    def opens_thought(self) -> bool:
        """Whether an answer begins inside a thought: the template opens the tag itself."""
        return bool(closing_of_open_thought(self._template.surroundings.generation_prompt))

    def ends_in_thought(self, tokens: Sequence[int]) -> bool:
        """Whether these of a chat's prompt end inside a thought, which the answer goes on with."""
        return bool(closing_of_open_thought(self.text_of(tokens[-_TAIL_TOKENS:])))

    @property
    def answer_format(self) -> AnswerFormat:
        return self._template.answer_format

    def mark_tokens(self) -> dict[int, str]:
        """Control tokens that are part of an answer's raw text: they mark its thoughts and calls, and have no text of
        their own in this vocabulary."""
        tokenizer, marks = self._tokenizer, shown_marks(self.answer_format)
        tokens = self._control_tokens(marks.__contains__)
        return {
            token_id: text
            for text, token_id in tokens.items()
            if not tokenizer.token_bytes(token_id) and not tokenizer.is_end_of_generation(token_id)
        }

    def _control_tokens(self, is_wanted: Callable[[str], bool]) -> dict[str, int]:
        tokens: dict[str, int] = {}
        for text in filter(is_wanted, self._tokenizer.control_texts()):
            ids = self._tokenizer.encode([Segment(text, trusted=True)], add_bos=False)
            tokens |= {text: ids[0]} if len(ids) == 1 else {}
        return tokens

    def answer_marks(self) -> AnswerMarks:
        """What ends an answer to a chat, beside the ends that the tokenizer knows."""
        tokenizer, around = self._tokenizer, self._template.surroundings
        tokens = self._control_tokens(lambda text: text in around.trailer)
        ends = frozenset(token_id for token_id in tokens.values() if tokenizer.is_end_of_generation(token_id))
        return answer_marks(around, tokens, ends, is_made_up=self._template.is_fallback)

    def build(self, prompt: Prompt) -> list[int]:
        """Raises InvalidRequest, ContextLengthExceeded."""
        match prompt:
            case ChatPrompt():
                return self._of_chat(prompt)
            case TextPrompt():
                return self._of_text(prompt)
            case FimPrompt():
                return FimWriter(self._tokenizer, self._n_ctx).write(prompt)
            case TokenPrompt(tokens=tokens):
                return self._of_tokens(tokens)

    def text_of(self, tokens: Sequence[int]) -> str:
        """The text that builds these tokens, for echo: control tokens as they are written, without the BOS that was
        added and without SentencePiece's first space."""
        tokenizer = self._tokenizer
        written = tokens[1:] if tokens and tokenizer.adds_bos and tokens[0] == tokenizer.bos_id else tokens
        text = b"".join(map(self._written, written)).decode("utf-8", errors="replace")
        return text.removeprefix(" ") if tokenizer.adds_space_prefix else text

    def read(self, tokens: Sequence[int]) -> TokenText:
        """Raises InvalidRequest."""
        tokenizer, num_bytes = self._tokenizer, 0
        pieces: list[bytes] = []
        for position, token in enumerate(tokens):
            if not 0 <= token < tokenizer.n_vocab:
                raise InvalidRequest("tokens", f"token id {token} at position {position} is not in the vocabulary")
            pieces.append(self._written(token))
            num_bytes += len(pieces[-1])
            if num_bytes > _MAX_READ_BYTES:
                raise InvalidRequest("tokens", f"say more than {_MAX_READ_BYTES >> 20} MiB of text")
        return TokenText(text=self.text_of(tokens), pieces=tuple(pieces))

    def _written(self, token: int) -> bytes:
        """A control token as templates write it."""
        return self._tokenizer.token_bytes(token) or self._tokenizer.control_text(token).encode()

    def _of_chat(self, prompt: ChatPrompt) -> list[int]:
        tokens = self._encode(self._template.render(prompt), field=prompt.field)
        if not tokens:
            raise InvalidRequest("messages", "the chat template makes an empty prompt of them")
        return tokens

    def _of_text(self, prompt: TextPrompt) -> list[int]:
        """The caller writes the whole prompt, so control texts in it are meant (own templates), unless it says not."""
        segments = [Segment(prompt.text, trusted=prompt.parses_special)] if prompt.text else []
        try:
            tokens = self._encode(segments, field=prompt.field, add_bos=None if prompt.adds_special else False)
        except InvalidRequest as error:
            raise InvalidRequest("prompt", error.reason) from None
        if not tokens:
            raise InvalidRequest("prompt", "must not be empty: this model has no token to begin with")
        return tokens

    def _encode(self, segments: Sequence[Segment], *, field: str, add_bos: bool | None = None) -> list[int]:
        num_chars = sum(len(segment.text) for segment in segments)
        if self._n_ctx is not None and num_chars > self._n_ctx * self._longest(num_chars):
            raise ContextLengthExceeded(self._estimate(segments, num_chars), self._n_ctx, field)
        return self._tokenizer.encode(segments, add_bos=add_bos)

    def _longest(self, num_chars: int) -> int:
        """Asks the tokenizer, which may take a while, only when an average token would have to be very long."""
        assert self._n_ctx is not None
        return num_chars if num_chars <= self._n_ctx * 16 else self._tokenizer.longest_token_bytes()

    def _estimate(self, segments: Sequence[Segment], num_chars: int) -> int:
        """From the beginning of the longest segment; never less than is certain."""
        assert self._n_ctx is not None
        sample = max((segment.text for segment in segments), key=len)[:_SAMPLE_CHARS]
        num_tokens = len(self._tokenizer.encode([Segment(sample, trusted=False)], add_bos=False))
        return max(self._n_ctx + 1, num_tokens * num_chars // len(sample))

    def _of_tokens(self, tokens: Sequence[int]) -> list[int]:
        if not tokens:
            raise InvalidRequest("prompt", "must have at least one token id")
        n_vocab = self._tokenizer.n_vocab
        for position, token in enumerate(tokens):
            if not 0 <= token < n_vocab:
                raise InvalidRequest("prompt", f"token id {token} at position {position} is not in 0 … {n_vocab - 1}")
        return list(tokens)


def make_prompt_builder(tokenizer: Tokenizer, template_source: str | None, bos: str, eos: str) -> PromptBuilder:
    """For a loaded model. Raises chat_template.TemplateError when its template is unusable."""
    control_text = ControlText(tokenizer.control_texts(), tokenizer.generable_texts())
    return PromptBuilder(tokenizer, ChatTemplate(template_source, bos, eos, control_text=control_text))
