import { expect, test } from "vitest";
import { withParticles } from "./korean";

test.each([
  ["채팅을(를) 지웠습니다", "채팅을 지웠습니다"],
  ["메모을(를) 지웠습니다", "메모를 지웠습니다"],
  ["‘메모’을(를)", "‘메모’를"],
  ["서버이(가) 멈췄고 모델은(는) 남았다", "서버가 멈췄고 모델은 남았다"],
  ["서울(으)로, 부산(으)로, 제주(으)로", "서울로, 부산으로, 제주로"],
  ["친구과(와) 선생님과(와)", "친구와 선생님과"],
  ["2을(를) 3은(는) 8(으)로 10이(가)", "2를 3은 8로 10이"],
  ["GPT이(가) PDF을(를) JSON은(는)", "GPT가 PDF를 JSON은"],
  ["chat을(를) note은(는) Mistral(으)로 file.py을(를)", "chat을 note는 Mistral로 file.py를"],
  ["📎을(를)", "📎을(를)"],
  ["을(를)", "을(를)"],
  ["한글".normalize("NFD").concat("을(를)"), "한글".normalize("NFD").concat("을")],
])("%s → %s", (written, said) => {
  expect(withParticles(written)).toBe(said);
});
