/**
 * Korean particles: 을 or 를, by how the word before them sounds at its end. Pure.
 *
 * A template says "{{name}}을(를) 지웠습니다"; `withParticles` makes it "채팅을 지웠습니다", "메모를 지웠습니다". After what
 * it can't sound (an emoji, a symbol) both stay: "📎을(를)".
 */

type Ending = "vowel" | "ㄹ" | "consonant";

/** As written in templates → [after a consonant, after a vowel]. */
const PARTICLES: Record<string, [string, string]> = {
  "을(를)": ["을", "를"],
  "이(가)": ["이", "가"],
  "은(는)": ["은", "는"],
  "과(와)": ["과", "와"],
  "(으)로": ["으로", "로"],
};
const WRITTEN = /을\(를\)|이\(가\)|은\(는\)|과\(와\)|\(으\)로/g;
/** What may stand between a word and its particle: quotes, brackets. */
const CLOSING = /["'”’」』》〉)\]}*_`]+$/;
const RIEUL = 8;
const NUM_FINALS = 28;
/** 영 일 이 삼 사 오 육 칠 팔 구, as they end. */
const DIGITS: Ending[] = ["consonant", "ㄹ", "vowel", "consonant", "vowel", "vowel", "consonant", "ㄹ", "ㄹ", "vowel"];

export function withParticles(text: string): string {
  return text.replace(WRITTEN, (written, offset: number) => {
    const ending = endingOf(text.slice(0, offset));
    return ending === null ? written : pick(written, ending);
  });
}

function pick(written: string, ending: Ending): string {
  const [afterConsonant, afterVowel] = PARTICLES[written] ?? [written, written];
  const takesVowelForm = ending === "vowel" || (ending === "ㄹ" && written === "(으)로");
  return takesVowelForm ? afterVowel : afterConsonant;
}

/** How `text` ends when read aloud; null: nobody knows. */
export function endingOf(text: string): Ending | null {
  const word = text.normalize("NFC").replace(CLOSING, "").trimEnd();
  const last = word.at(-1);
  if (last === undefined) return null;
  if (last >= "가" && last <= "힣") return hangulEnding(last);
  if (last >= "0" && last <= "9") return DIGITS[Number(last)] ?? null;
  const latin = /[A-Za-z]+$/.exec(word)?.[0];
  return latin ? latinEnding(latin) : null;
}

function hangulEnding(syllable: string): Ending {
  const final = (syllable.charCodeAt(0) - "가".charCodeAt(0)) % NUM_FINALS;
  if (final === 0) return "vowel";
  return final === RIEUL ? "ㄹ" : "consonant";
}

/** As Koreans say it: GPT 지피티, PDF 피디에프, model 모델, JSON 제이슨 (a word to most), chat 챗, Llama 라마. */
function latinEnding(word: string): Ending {
  const isSpelled = word === word.toUpperCase() && (word.length <= 3 || !/[AEIOU]/.test(word));
  if (isSpelled) {
    if (/[LR]$/.test(word)) return "ㄹ"; // 엘, 알
    return /[MN]$/.test(word) ? "consonant" : "vowel"; // 엠, 엔
  }
  const lower = word.toLowerCase();
  if (/l$|[^aeiou]le$/.test(lower)) return "ㄹ"; // model, file is 파일 but table is 테이블
  if (/ile$|ole$|ale$|ule$/.test(lower)) return "ㄹ";
  if (/(?:[mn]|ng|[mn]e)$/.test(lower)) return "consonant";
  return /(?:^|[^aeiou])[aeiou](?:[pkbt]|ck|c)$/.test(lower) ? "consonant" : "vowel"; // chat 챗, but note 노트, input
}
