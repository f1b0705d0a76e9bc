"""What stands around a gap → tokens, with the model's own tokens for it (fill in the middle). Any thread.

Editors send whole files, so nothing here is too long: what lies farthest from the gap is left out. What is left out of
the prefix grows in steps: while somebody types, the prompt goes on to begin with the same tokens, whose cells are kept.
"""

from collections.abc import Iterator, Sequence

from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import FimPrompt, OtherFile
from bdchat.engine.text.tokenizer import FimTokens, Segment, Tokenizer

NO_FIM = "is not supported by this model: it has no tokens for filling a gap (fill in the middle)"
MARKS = 4  # prefix, suffix, middle, BOS
CHARS_PER_TOKEN = 8  # no text has longer ones on average: more need not be tokenised to be too much
BETWEEN_FILES = "\n\n--- {name} ---\n\n"  # where the model has no token for it


class FimWriter:
    """`n_ctx` None: without bounds."""

    def __init__(self, tokenizer: Tokenizer, n_ctx: int | None) -> None:
        self._tokenizer = tokenizer
        self._n_ctx = n_ctx

    def write(self, prompt: FimPrompt) -> list[int]:
        """Raises InvalidRequest."""
        tokenizer, fim = self._tokenizer, self._tokenizer.fim
        if fim is None:
            raise InvalidRequest(prompt.suffix_field, NO_FIM, code="unsupported_parameter")
        room = self._room(prompt)
        prefix = self._end_of(prompt.prefix, room)
        suffix = self._beginning_of(prompt.suffix, max(room // 4, room - len(prefix)))
        if len(prefix) + len(suffix) > room:
            prefix = self._end_of(prompt.prefix, room - len(suffix))
        others = self._others(prompt.other_files, fim, room - len(prefix) - len(suffix))
        before, behind = [fim.prefix, *prefix], [fim.suffix, *suffix]
        around = behind + before if fim.is_suffix_first else before + behind
        bos = [tokenizer.bos_id] if tokenizer.adds_bos and tokenizer.bos_id is not None else []
        return [*bos, *others, *around, *([] if fim.middle is None else [fim.middle])]

    def _room(self, prompt: FimPrompt) -> int:
        """For what stands around the gap. Two tokens are the least: a context holds 64."""
        num_chars = len(prompt.prefix) + len(prompt.suffix) + sum(len(file.text) for file in prompt.other_files)
        if self._n_ctx is None:
            return max(2, num_chars * CHARS_PER_TOKEN)
        wanted = self._n_ctx // 8 if prompt.num_answer_tokens is None else prompt.num_answer_tokens
        return max(2, self._n_ctx - MARKS - max(1, min(wanted, self._n_ctx // 2)))

    def _end_of(self, text: str, num_tokens: int) -> list[int]:
        """Its last tokens, from the beginning of a line where one is near."""
        step = max(1, num_tokens // 2)  # characters
        start = 0
        if len(text) > num_tokens * CHARS_PER_TOKEN:
            start = _rounded_up(len(text) - num_tokens * CHARS_PER_TOKEN, step)
        while True:
            line = text.find("\n", start, start + step) + 1 if start else 0
            rest = text[max(start, line) :]
            tokens = self._tokenizer.encode([Segment(rest, trusted=False)] if rest else [], add_bos=False)
            if len(tokens) <= num_tokens:
                return tokens
            num_too_many = len(rest) * (len(tokens) - num_tokens) // len(tokens)
            start = _rounded_up(max(start, line) + max(1, num_too_many), step)

    def _beginning_of(self, text: str, num_tokens: int) -> list[int]:
        return self._tokenizer.encode_inside(text[: num_tokens * CHARS_PER_TOKEN])[:num_tokens] if text else []

    def _others(self, files: Sequence[OtherFile], fim: FimTokens, room: int) -> list[int]:
        """As many as fit, the last ones, each whole: half a file would be another half with each letter typed."""
        kept: list[list[int]] = []
        for file in reversed(files):
            if len(file.text) > room * CHARS_PER_TOKEN:
                break
            tokens = list(self._file(file, fim))
            room -= len(tokens)
            if room < 1:
                break
            kept.append(tokens)
        tokens = [token for file_tokens in reversed(kept) for token in file_tokens]
        return [*tokens, fim.file] if tokens and fim.file is not None else tokens

    def _file(self, file: OtherFile, fim: FimTokens) -> Iterator[int]:
        if fim.file is not None:
            yield fim.file
        head = BETWEEN_FILES.format(name=file.name) if fim.file is None else f"{file.name}\n"
        yield from self._tokenizer.encode_inside(head + file.text + "\n")


def _rounded_up(number: int, step: int) -> int:
    return -(-number // step) * step
