"""Prompt → token ids, whatever shape it came in. Any thread."""

from collections.abc import Sequence

from bdchat.engine.chat_template import ChatTemplate
from bdchat.engine.control_text import ControlText
from bdchat.engine.errors import InvalidRequest
from bdchat.engine.request import ChatPrompt, Prompt, TextPrompt, TokenPrompt
from bdchat.engine.tokenizer import Segment, Tokenizer


class PromptBuilder:
    """Its collaborators are only read, so that it can be shared."""

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate) -> None:
        self._tokenizer = tokenizer
        self._template = template

    def build(self, prompt: Prompt) -> list[int]:
        """Raises InvalidRequest."""
        match prompt:
            case ChatPrompt():
                return self._of_chat(prompt)
            case TextPrompt(text=text):
                return self._of_text(text)
            case TokenPrompt(tokens=tokens):
                return self._of_tokens(tokens)

    def text_of(self, tokens: Sequence[int]) -> str:
        """The text that builds these tokens, for echo: control tokens as they are written, without the BOS that was
        added and without SentencePiece's first space."""
        tokenizer = self._tokenizer
        written = tokens[1:] if tokens and tokenizer.adds_bos and tokens[0] == tokenizer.bos_id else tokens
        pieces = (tokenizer.token_bytes(token) or tokenizer.control_text(token).encode() for token in written)
        text = b"".join(pieces).decode("utf-8", errors="replace")
        return text.removeprefix(" ") if tokenizer.adds_space_prefix else text

    def _of_chat(self, prompt: ChatPrompt) -> list[int]:
        tokens = self._tokenizer.encode(self._template.render(prompt))
        if not tokens:
            raise InvalidRequest("messages", "the chat template makes an empty prompt of them")
        return tokens

    def _of_text(self, text: str) -> list[int]:
        """The caller writes the whole prompt, so control texts in it are meant (fill-in-the-middle, own templates)."""
        try:
            tokens = self._tokenizer.encode([Segment(text, trusted=True)] if text else [])
        except InvalidRequest as error:
            raise InvalidRequest("prompt", error.reason) from None
        if not tokens:
            raise InvalidRequest("prompt", "must not be empty: this model has no token to begin with")
        return tokens

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
