from bdchat.api.citations.choosing import Offer, budget_of, chosen, query_of, shown_keys
from bdchat.api.citations.passage import PromptPassage, numbered


def passage(document: str, page: int, *, is_whole: bool = False) -> PromptPassage:
    return PromptPassage(
        number=0, document_id=document, document_name=f"{document}.pdf", text="x", page=page, end=1, is_whole=is_whole
    )


def hit(document: str, page: int, num_tokens: int = 100) -> Offer:
    return Offer((passage(document, page),), num_tokens)


def whole(document: str, num_pages: int, num_tokens: int) -> Offer:
    return Offer(tuple(passage(document, page, is_whole=True) for page in range(1, num_pages + 1)), num_tokens)


def places(passages: tuple[PromptPassage, ...]) -> list[tuple[str, int]]:
    return [(each.document_id, each.page) for each in passages]


def test_whole_files_first_then_passages_in_the_order_of_their_documents() -> None:
    taken = chosen([whole("note", 2, 300)], [hit("b", 7), hit("a", 9), hit("b", 2), hit("note", 1)], 1000)
    assert places(taken) == [("note", 1), ("note", 2), ("a", 9), ("b", 2), ("b", 7)]


def test_the_order_of_the_scores_does_not_matter() -> None:
    hits = [hit("b", 7), hit("a", 9), hit("b", 2)]
    assert chosen([], hits, 1000) == chosen([], hits[::-1], 1000)


def test_the_best_are_taken_as_far_as_the_budget_goes() -> None:
    assert places(chosen([], [hit("a", 1), hit("a", 2, 950), hit("a", 3)], 250)) == [("a", 1), ("a", 3)]
    assert chosen([whole("a", 3, 500)], [], 400) == ()


def test_numbers_go_on() -> None:
    assert [each.number for each in numbered([passage("a", 1), passage("a", 2)], after=4)] == [5, 6]
    assert shown_keys(numbered([passage("a", 1)], after=4)) == shown_keys([passage("a", 1)])


def test_a_third_of_what_is_free_so_that_follow_ups_find_room() -> None:
    assert budget_of(n_ctx=32768, num_free=32000, share=0.2, may_drop=True) == 6553
    assert budget_of(n_ctx=8192, num_free=7000, share=0.4, may_drop=True) == 2333
    assert budget_of(n_ctx=8192, num_free=3000, share=0.4, may_drop=True) == 1000
    assert budget_of(n_ctx=8192, num_free=600, share=0.4, may_drop=True) == 512  # a passage
    assert budget_of(n_ctx=8192, num_free=500, share=0.4, may_drop=True) == 1638  # something must go anyway
    assert budget_of(n_ctx=8192, num_free=500, share=0.4, may_drop=False) == 500
    assert budget_of(n_ctx=8192, num_free=-50, share=0.4, may_drop=False) == 0


def test_a_short_question_is_searched_with_the_one_before() -> None:
    assert (
        query_of("그럼 보증금은?", "임대차 계약의 월세는 얼마인가요?")
        == "그럼 보증금은?\n임대차 계약의 월세는 얼마인가요?"
    )
    assert query_of("And when?", "When is the rent due?") == "And when?\nWhen is the rent due?"
    asked = "How long is the notice period of the lease contract?"
    assert query_of(asked, "When is the rent due?") == asked
    assert query_of("And when?", "") == "And when?"
