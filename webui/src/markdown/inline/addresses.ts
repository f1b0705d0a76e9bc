/**
 * Where a bare address ends. Pure.
 *
 * Particles and the sentences of Chinese and Japanese follow an address without a space, so their letters are no part of
 * it, nor is any punctuation but ASCII's: `https://example.com/docs를`, `https://example.com/b。次`. They are where they
 * begin a part of a path by themselves (`/wiki/서울`), unless they read on as a sentence does (`/docs/를`). Letters of
 * other scripts (`Москва`) are where they begin a part, of a host too.
 */
import { characterAt, closeLettersAt, isCloseLetter, isParticle } from "./letters";

const BEGINNING = /(?:https?|ftp):\/\/|www\./iy;
const INSIDE_A_WORD = /[\p{Script=Latin}\p{Nd}_./@-]$/u;
const HOST = /^(?:[^\s/?#]*@)?(?:\[[\da-f:.]+\]|[\p{L}\p{N}])/iu;
const DOTTED = /^www\.[\p{L}\p{N}-]+\.?/iu;
/** Stands anywhere in an address as ASCII does: `é`. */
const LATIN = /^[\p{Script=Latin}\p{M}\p{Pd}]$/u;
/** Stands in a part of an address that began so: `Москва`, `서울`. */
const OTHER = /^[\p{L}\p{M}\p{N}]$/u;
const NEVER = new Set('<>"`{}|\\^');
/** What a close letter may begin a part of an address after. */
const BEFORE_A_PART = new Set("/=#-_@+");
const TRAILING = /(?:[?!.,:;*_'"~([]|&[a-z0-9]+;)$/i;
const CLOSING: Record<string, string> = { ")": "(", "]": "[" };

const JAPANESE =
  "を|(?:に|で|は|が|の|と|も|へ|や|から|まで|より)(?:[\\p{scx=Hani}\\p{Script=Katakana}]|.*(?:ます|です|する|した|して|ください|ない)|$)";
const CHINESE =
  "即可|查看|進行|进行|获取|取得|下载|下載|了解|访问|訪問|打开|打開|注册|登录|登入|的|和|或|与|與|是|上|里|裡|中(?![国國华華文央东東])|来|來|以|并|並|后|後";
const GOES_ON = /^(?:[/#%=_-]|[?.][a-z])/i;
const SENTENCE = new RegExp(`^(?:${JAPANESE}|${CHINESE})`, "u");

/** The end of the address that begins at `start`; null: none does. `masked`: code, links and HTML have no letters in it. */
export function addressEnd(text: string, masked: string, start: number): number | null {
  BEGINNING.lastIndex = start;
  const beginning = BEGINNING.exec(text)?.[0];
  if (!beginning) return null;
  const isNamed = beginning.endsWith("/");
  if (!isNamed && INSIDE_A_WORD.test(text.slice(Math.max(0, start - 2), start))) return null;
  const end = trimmed(text, start, reach(text, masked, start + beginning.length));
  const address = text.slice(start, end);
  const isOne = isNamed ? HOST.test(address.slice(beginning.length)) : DOTTED.test(address);
  return isOne ? end : null;
}

/** How far its characters go. */
function reach(text: string, masked: string, from: number): number {
  const open: string[] = [];
  let root = -1; // of what ends the host
  let isOther = false; // whether this part of it began with a letter of another script
  for (let at = from; at < text.length; ) {
    const character = characterAt(text, at);
    if (character <= " " || NEVER.has(character) || masked[at] !== text[at]) return at;
    if (text.startsWith("[^", at)) return at; // a footnote's mark
    const opening = CLOSING[character];
    if (opening && open.pop() !== opening) return at;
    if (character === "(" || character === "[") open.push(character);
    if (root < 0 && "/?#".includes(character)) root = at;
    if ("/?&=#".includes(character) || (character === "." && root < 0)) isOther = false;
    const isClose = isCloseLetter(character);
    if (character > "~" && (isClose || !LATIN.test(character))) {
      isOther ||= isClose ? root >= 0 && beginsPart(text, at, at - 1 === root) : followsMark(text, at, root < 0);
      if (!isOther || !OTHER.test(character)) return at;
    }
    at += character.length;
  }
  return text.length;
}

/** Behind the host's slash close letters are mostly a sentence's: there more of an address must follow. */
function beginsPart(text: string, at: number, isFirst: boolean): boolean {
  if (!followsMark(text, at, false)) return false;
  if (text[at - 1] === "=") return true;
  const letters = closeLettersAt(text, at);
  if (isFirst && !GOES_ON.test(text.slice(at + letters.length, at + letters.length + 2))) return false;
  return !isParticle(letters) && !SENTENCE.test(letters);
}

function followsMark(text: string, at: number, isHost: boolean): boolean {
  const before = text[at - 1] ?? "";
  return BEFORE_A_PART.has(before) || (isHost && before === ".");
}

function trimmed(text: string, start: number, end: number): number {
  let kept = end;
  for (;;) {
    const trailing = TRAILING.exec(text.slice(Math.max(start, kept - 12), kept));
    if (!trailing) return kept;
    kept -= trailing[0].length;
  }
}
