"""Trees out of what messages say of their parents."""

import random

import pytest

from bdchat.store.transfer.chat import MAX_MESSAGES, BadChat, Chat, TransferMessage
from bdchat.store.transfer.tree import Tree, rebuild


def tree_of(*messages: tuple[str, str | None, str | None], head: str | None = None) -> Tree:
    """(id, parent, content)."""
    chat = Chat("test:", head_id=head, created_at_ms=7)
    chat.messages = [TransferMessage(each, parent, "user", content) for each, parent, content in messages]
    return rebuild(chat, now_ms=99)


def shape(tree: Tree) -> dict[str, str | None]:
    """Content → its parent's."""
    texts = [message.content or "" for message in tree.messages]
    return {text: None if at is None else texts[at] for text, at in zip(texts, tree.parents, strict=True)}


def test_children_are_found_by_their_parents() -> None:
    tree = tree_of(("c", "b", "C"), ("a", None, "A"), ("b", "a", "B"), ("d", "a", "D"))
    assert shape(tree) == {"C": "B", "A": None, "B": "A", "D": "A"}
    assert tree.num_branches == 2
    assert list(tree.top_down) == [1, 2, 3, 0]


def test_placeholders_are_left_out_and_their_children_move_up() -> None:
    tree = tree_of(
        ("root", None, None), ("a", "root", "A"), ("x", "a", None), ("y", "x", None), ("b", "y", "B"), head="y"
    )
    assert shape(tree) == {"A": None, "B": "A"}
    assert tree.head == 0  # the nearest message above the placeholder that was named


def test_a_circle_begins_at_the_message_met_first() -> None:
    tree = tree_of(("a", "c", "A"), ("b", "a", "B"), ("c", "b", "C"), ("d", "d", "D"), ("e", "b", "E"))
    assert shape(tree) == {"A": None, "B": "A", "C": "B", "D": None, "E": "B"}


def test_a_missing_parent_makes_a_root() -> None:
    assert shape(tree_of(("a", "gone", "A"), ("b", "a", "B"))) == {"A": None, "B": "A"}


def test_a_message_without_a_time_has_its_parents() -> None:
    chat = Chat("test:", created_at_ms=5)
    chat.messages = [
        TransferMessage("b", "a", "user", "B"),
        TransferMessage("a", None, "user", "A", created_at_ms=3),
        TransferMessage("r", None, "user", "R"),
    ]
    assert list(rebuild(chat, now_ms=99).at_ms) == [3, 3, 5]


def test_without_a_head_the_newest_end_is_shown() -> None:
    assert tree_of(("a", None, "A"), ("b", "a", "B"), ("c", "a", "C")).head == 2
    assert tree_of(("a", None, "A"), ("b", "a", "B"), head="unknown").head == 1
    assert tree_of().head is None


def test_too_many_messages_and_repeated_ids_are_refused() -> None:
    with pytest.raises(BadChat, match="more than 50000 messages"):
        tree_of(*((str(number), None, "x") for number in range(MAX_MESSAGES + 1)))
    with pytest.raises(BadChat, match="same id"):
        tree_of(("a", None, "A"), ("a", None, "B"))


def test_the_fingerprint_is_of_what_is_said_below_what() -> None:
    base = tree_of(("a", None, "A"), ("b", "a", "B")).fingerprint
    assert tree_of(("x", None, "A"), ("y", "x", "B"), head="x").fingerprint == base  # ids and head are no content
    assert tree_of(("a", None, "A"), ("b", None, "B")).fingerprint != base
    assert tree_of(("a", None, "AB"), ("b", "a", "")).fingerprint != base


@pytest.mark.parametrize("seed", range(100))
def test_any_claims_make_a_forest_of_all_that_is_said(seed: int) -> None:
    rng = random.Random(seed)
    ids = [str(number) for number in range(rng.randrange(1, 30))]
    claims = [(each, rng.choice([None, "gone", *ids]), rng.choice([None, f"T{each}"])) for each in ids]
    tree = tree_of(*claims, head=rng.choice(ids))
    assert [message.content for message in tree.messages] == [text for _, _, text in claims if text is not None]
    assert sorted(tree.top_down) == list(range(len(tree.messages)))
    place = {number: at for at, number in enumerate(tree.top_down)}
    assert all(parent is None or place[parent] < place[number] for number, parent in enumerate(tree.parents))
    assert tree.num_branches == len(set(range(len(tree.messages))) - set(tree.parents))
    assert (tree.head is None) == (not tree.messages)
