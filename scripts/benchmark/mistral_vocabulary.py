"""Mistral-7B-Instruct-v0.3's own tokenizer, as a GGUF holds it. The package mistral-common carries its file."""

from pathlib import Path

import gguf
import mistral_common
import sentencepiece

_TOKENIZER = Path(mistral_common.__file__).parent / "data" / "mistral_instruct_tokenizer_240323.model.v3"


def write_mistral_vocabulary(writer: gguf.GGUFWriter) -> int:
    """Its number of tokens."""
    model = sentencepiece.SentencePieceProcessor(model_file=str(_TOKENIZER))
    ids = range(model.vocab_size())
    writer.add_tokenizer_model("llama")
    writer.add_token_list([model.id_to_piece(i).encode() for i in ids])
    writer.add_token_scores([model.get_score(i) for i in ids])
    writer.add_token_types([int(_type(model, i)) for i in ids])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    return len(ids)


def _type(model: sentencepiece.SentencePieceProcessor, token_id: int) -> gguf.TokenType:
    if model.is_unknown(token_id):
        return gguf.TokenType.UNKNOWN
    if model.is_control(token_id):
        return gguf.TokenType.CONTROL
    if model.is_byte(token_id):
        return gguf.TokenType.BYTE
    return gguf.TokenType.NORMAL
