"""Texts of a chat archive, half of them Korean, with words of known frequency to search for. Pure."""

import random
from itertools import accumulate

from .prompts import WORDS

NOUNS = tuple(
    """
사람 시간 문제 방법 이유 생각 이야기 질문 대답 내용 결과 경우 부분 정도 필요 사용 확인 설정 파일 화면 버튼 오류
로그 서버 모델 언어 문장 단어 코드 함수 변수 데이터 목록 순서 검색 저장 삭제 추가 수정 변경 실행 설치 버전 환경
메모리 속도 성능 시험 예제 설명 회사 학교 집 음식 커피 여행 날씨 주말 아침 저녁 오늘 내일 어제 지금 나중 처음
마지막 가격 주문 배송 결제 계좌 은행 보험 계약 회의 일정 계획 준비 시작 종료 연락 전화 메일 주소 이름 비밀번호
계정 가입 로그인 권한 관리자 사용자 친구 가족 건강 운동 병원 약 책 영화 음악 사진 그림 색 크기 무게 길이 온도
거리 방향 지도 도로 버스 지하철 비행기 호텔 예약 취소 할인 쿠폰 선물 행사 축하 감사 사과 요청
""".split()  # noqa: SIM905  # one name a line would be 150 lines
)
PARTICLES = ("", "", "은", "이", "을", "에", "에서", "으로", "의", "도", "만", "까지", "부터", "와", "하고")
VERBS = tuple(
    """
합니다 했습니다 됩니다 있습니다 없습니다 같아요 싶어요 주세요 하려고 했는데 해서 하면 하고 그리고 그런데 하지만
그래서 다시 먼저 매우 조금 자주 항상 아마 정말 어떻게 무엇을 언제 어디서 왜 알려 보여 만들어 고쳐 바꿔 찾아 읽어
써서 보내 받아 넣어 빼서 열어 닫아
""".split()  # noqa: SIM905  # as above
)
REFUNDS = ("환불", "환불은", "환불이", "환불을", "환불까지", "환불받으려면")  # in one Korean message of a hundred
RARE_EVERY, RARE_AT = 20_000, 60  # messages: five hits in a hundred thousand, none in the newcomer's sessions


def _ranked(words: tuple[str, ...]) -> tuple[float, ...]:
    """Cumulative weights after Zipf."""
    return tuple(accumulate(1 / (rank + 2) for rank in range(len(words))))


_NOUN_WEIGHTS, _VERB_WEIGHTS, _WORD_WEIGHTS = _ranked(NOUNS), _ranked(VERBS), _ranked(WORDS)


def korean(rng: random.Random, num_words: int) -> str:
    words = []
    for _ in range(num_words // 2):
        noun = rng.choices(NOUNS, cum_weights=_NOUN_WEIGHTS)[0]
        words += [noun + rng.choice(PARTICLES), rng.choices(VERBS, cum_weights=_VERB_WEIGHTS)[0]]
    return " ".join(words)


def english(rng: random.Random, num_words: int) -> str:
    return " ".join(rng.choices(WORDS, cum_weights=_WORD_WEIGHTS, k=num_words))


def message(rng: random.Random, number: int) -> str:
    """About 280 characters; every other one Korean."""
    is_korean = number % 2 == 0
    text = korean(rng, rng.randrange(10, 120)) if is_korean else english(rng, rng.randrange(5, 90))
    if rng.random() < 0.01:
        text += f" {rng.choice(REFUNDS)}" if is_korean else f" refund {rng.choice(REFUNDS)}"
    if number % RARE_EVERY == RARE_AT:
        text += " 희귀단어 quokkaberry"
    return text


# name → what is typed; "nowhere" are two common words of which each is in every other message, never in one
SEARCHES = {
    "환불": "환불",
    "환불은": "환불은",
    "환": "환",
    "모델 서버": "모델 서버",
    "refund 환불": "refund 환불",
    "common English": "about",
    "common Korean": "사람",
    "two common": "about above",
    "common prefix": "ab",
    "rare Korean": "희귀단어",
    "rare English": "quokkaberry",
    "nowhere": "about 사람",
    "absent": "zzyzx",
}
