"""Settings of documents: what may be read, at what price, and how much of it enters a prompt."""

from typing import Annotated

from pydantic import Field, SecretStr

from bdchat.settings.values import MIB, Count, Seconds, Section


class DocumentSettings(Section):
    """Files that people ask about. A process of its own reads each, with these bounds."""

    file_bytes: Count = 64 * MIB  # of one file; its bytes lie in the store
    num_pages: Count = 5000  # of one file; sheets, slides and chapters are pages too
    # A ZIP inside: office files, EPUB. A bomb of 42 kB unpacks to 4 PB; a thesis with pictures to 200 MiB.
    unpacked_bytes: Count = 512 * MIB
    text_bytes: Count = 32 * MIB  # of one file's text: 5,000 pages of Korean are 20 MiB
    reader_memory_bytes: Count = 1024 * MIB  # address space of the reading process beyond what it starts with
    # Of CPU time, which a busy engine does not lengthen: a page that takes longer ends the reading of its file.
    page_timeout_s: Annotated[Seconds, Field(ge=1)] = 30.0
    file_timeout_s: Annotated[Seconds, Field(ge=1)] = 1800.0  # of CPU time: 4,900 pages of Korean PDF take 35 s
    num_readers: Annotated[int, Field(ge=1, le=16)] = 1  # files read at once; the rest wait
    num_per_account: Count = 10_000  # documents; the store's quota bounds their bytes
    num_per_chat: Annotated[int, Field(ge=1, le=200)] = 50  # files and collections of one chat, each
    # Who turns passages into vectors: auto = an installed GGUF embedding model, else the one that comes with bdchat,
    # else nobody (words alone are searched); none = nobody; or a model's name.
    embedder: Annotated[str, Field(min_length=1)] = "auto"
    reranker: Annotated[str, Field(min_length=1)] = "none"  # name of a reranker model: it orders the best 24 anew
    passages_per_question: Annotated[int, Field(ge=1, le=64)] = 8
    # Of the context, for what is new from documents in one question; the rest is the chat's and the answer's.
    prompt_share: Annotated[float, Field(gt=0, le=0.9, allow_inf_nan=False)] = 0.4
    # A file of up to so many tokens goes into the prompt whole, as far as prompt_share allows.
    whole_file_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = 1500


class ChromaSettings(Section):
    """Where vectors are searched. What is in Chroma can be made again from the store at any time."""

    url: SecretStr | None = None  # http(s)://… of a Chroma server; None = embedded, in the data directory
    timeout_s: Annotated[Seconds, Field(ge=0.1, le=600)] = 10.0  # of a call to the server; then words alone count
