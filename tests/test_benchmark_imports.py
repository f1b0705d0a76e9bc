"""The export that `scripts/bench --workload import` makes up."""

from bdchat.store.transfer.reading import FoundChat
from bdchat.store.transfer.writing import prepare
from benchmark.imports import Export
from tests.store.transferable import read


def test_the_made_up_export_is_as_large_as_was_asked_and_every_chat_in_it_is_good() -> None:
    export = Export(1_000_000, seed=1)
    data = b"".join(export.pieces())
    assert 1_000_000 < len(data) < 2_000_000
    chats = [found.chat for found in read(data) if isinstance(found, FoundChat)]
    assert len(chats) == export.num_chats
    prepared = [prepare(chat, "ann")[0] for chat in chats]
    assert sum(each.num_messages for each in prepared) == export.num_messages
    assert any(each.num_branches > 1 for each in prepared)
    assert b"".join(Export(1_000_000, seed=1).pieces()) == data
