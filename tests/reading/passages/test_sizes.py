import pytest

from bdchat.reading.passages.sizes import num_tokens

# Texts with what multilingual-e5-small's tokenizer counts, its prefix and its two special tokens not counted.
COUNTED = [
    (
        "환불은 물건을 받은 날부터 이레 안에 신청할 수 있습니다. 포장을 뜯은 물건은 판매자가 상태를 확인한 뒤에 "
        "돌려받으며, "
        "배송비는 구매자가 냅니다. 다만 물건에 흠이 있거나 주문한 것과 다른 물건이 온 때에는 판매자가 모두 "
        "부담합니다. 신청은 "
        "누리집의 주문 내역에서 하고, 확인까지 영업일로 사흘이 걸립니다.",
        89,
    ),
    (
        "제12조(계약의 해지) ① 이용자는 언제든지 서면으로 계약을 해지할 수 있다. ② 회사는 이용자가 제5조 제2항을 "
        "위반한 경우 "
        "30일 전에 통지하고 계약을 해지할 수 있다. ③ 제1항에 따른 해지의 효력은 통지가 도달한 날부터 발생한다.",
        76,
    ),
    (
        "You may ask for a refund within seven days of delivery. Opened goods are taken back after the seller has "
        "checked "
        "their condition, and the buyer pays for the shipment. Where the goods are faulty, or others than were "
        "ordered, "
        "the seller bears all costs. Requests are made in the list of orders and take three working days.",
        78,
    ),
    (
        "def read_pages(path: Path, bounds: Bounds) -> Iterator[PageText]:\n    with path.open('rb') as file:\n"
        "        for number, page in enumerate(split(file.read()), start=1):\n            bounds.text(len(page))\n"
        "            yield PageText(number=number, text=page)\n",
        86,
    ),
    (
        "분기 | 매출액(억 원) | 영업이익 | 전년 대비\n2025년 1분기 | 1,204.5 | 87.2 | +3.1%\n2025년 2분기 | 1,310.0 "
        "| 92.9 | "
        "+8.7%\n2025년 3분기 | 1,198.3 | 64.0 | -2.4%\n2025년 4분기 | 1,422.8 | 101.7 | +11.9%",
        96,
    ),
    (
        "この文書は、利用者が自分の資料について質問するための説明です。最初に資料を登録し、読み取りが終わるまで"
        "待ってください。"
        "検索は言葉と意味の両方で行われます。",
        38,
    ),
    ("本文件说明用户如何就自己的资料提出问题。请先上传文件，等待读取完成。检索同时按照词语和含义进行。", 31),
    (
        "Этот документ объясняет, как задавать вопросы по собственным файлам. Сначала загрузите файл и дождитесь "
        "окончания чтения.",
        25,
    ),
    ("GGUF 모델은 llama.cpp로 실행합니다. CPU만 있어도 되고, RAM은 8GB 이상을 권장합니다(v2.3.1 기준).", 33),
]


@pytest.mark.parametrize(("text", "counted"), COUNTED, ids=[text[:12] for text, _ in COUNTED])
def test_sizes_are_within_a_quarter_of_the_tokenizers(text: str, counted: int) -> None:
    assert 0.75 * counted <= num_tokens(text) <= 1.25 * counted


def test_white_space_counts_nothing() -> None:
    assert num_tokens(" \n\t　") == 0


def test_a_decomposed_syllable_counts_about_as_much_as_a_composed_one() -> None:
    assert num_tokens("\u1112\u1161\u11ab") == pytest.approx(num_tokens("한"), rel=0.3)
