/**
 * Where `*`, `_` and `~~` begin and end something: CommonMark's delimiter runs, with what people mean beside Hangul,
 * Kana and Han, between digits, and by a lone tilde. Pure.
 *
 * CommonMark lets a mark that follows punctuation close only before a space or punctuation, and mirrors that for opening
 * marks; languages that write particles without a space fall through: `**모델(LLM)**은`. Here a close letter on the other
 * side is as good as a space. A `_` before a particle closes too, if what it closes ends in such a letter or in
 * punctuation (`_강조_는`, but `__init__은`). Between two digits a mark opens nothing (arithmetic, ranges), `_` behind a dollar
 * is a variable's, one tilde is "about", a range or a home directory; and faces are faces: `^_^`, `*^^*`.
 */
import { characterAt, characterBefore, closeLettersAt, isCloseLetter, isParticle } from "./letters";

export interface Pair {
  /** Of its opening mark's first character, and behind its closing mark's last. */
  start: number;
  end: number;
  /** Characters of each mark: 1 or 2. */
  numMarks: 1 | 2;
  type: "em" | "strong" | "del";
}

interface Run {
  mark: string;
  /** Of what is left of it. */
  start: number;
  numLeft: number;
  /** Of the whole run: CommonMark's rule of three counts it. */
  length: number;
  opens: boolean;
  closes: boolean;
}

const RUN = /\*+|_+|~+/g;
const PUNCTUATION = /^[\p{P}\p{S}]$/u;
const EYE = /^[-^<>@=;.~+]$/;
const FACE = /^(?=.*[\^<>@_;])[-^<>@=;.,'"`_~+]+$/;
const EAST_ASIAN_PUNCTUATION = /^[\u3000-\u303f\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]$/;

/** `masked`: a run of inline text; what is code, a link or a formula has no marks in it. */
export function emphasisPairs(masked: string): Pair[] {
  const pairs: Pair[] = [];
  const openers: Run[] = [];
  const bottoms = new Map<string, number>();
  for (const match of masked.matchAll(RUN)) {
    const run = runAt(masked, match.index, match[0]);
    if (run.closes) close(run, openers, bottoms, pairs);
    if (run.opens && run.numLeft > 0) openers.push(run);
  }
  return pairs.filter(({ start, end, numMarks }) => numMarks > 1 || !FACE.test(masked.slice(start + 1, end - 1)));
}

function close(closer: Run, openers: Run[], bottoms: Map<string, number>, pairs: Pair[]): void {
  const key = `${closer.mark}${closer.opens}${closer.length % 3}`;
  while (closer.numLeft > 0) {
    let at = openers.length - 1;
    const bottom = bottoms.get(key) ?? 0; // below it none was found before
    while (at >= bottom && !matches(openers[at], closer)) at -= 1;
    const opener = at < bottom ? undefined : openers[at];
    if (!opener) {
      bottoms.set(key, openers.length);
      return;
    }
    const numMarks = opener.numLeft >= 2 && closer.numLeft >= 2 ? 2 : 1;
    opener.numLeft -= numMarks;
    const type = closer.mark === "~" ? "del" : numMarks === 2 ? "strong" : "em";
    pairs.push({ start: opener.start + opener.numLeft, end: closer.start + numMarks, numMarks, type });
    closer.start += numMarks;
    closer.numLeft -= numMarks;
    openers.length = opener.numLeft > 0 ? at + 1 : at;
    for (const [each, height] of bottoms) if (height > openers.length) bottoms.set(each, openers.length);
  }
}

function matches(opener: Run | undefined, closer: Run): boolean {
  if (opener?.mark !== closer.mark) return false;
  if (closer.mark === "~" || (!opener.closes && !closer.opens)) return true;
  return (opener.length + closer.length) % 3 !== 0 || (opener.length % 3 === 0 && closer.length % 3 === 0);
}

function runAt(text: string, start: number, marks: string): Run {
  const [mark = "", length] = [marks[0], marks.length];
  const run = { mark, start, numLeft: length, length, opens: false, closes: false };
  if (mark === "~" && length !== 2) return run;
  const [before, after] = [characterBefore(text, start), characterAt(text, start + length)];
  if (mark === "_" && (before === "$" || (EYE.test(before) && EYE.test(after)))) return run;
  const opens = flanks(before, after) && !(/^\d$/.test(before) && /^\d$/.test(after));
  const closes = flanks(after, before);
  if (mark !== "_") return { ...run, opens, closes };
  // Inside a word `_` is part of a name; before a particle the word has ended.
  const hasEnded = (isCloseLetter(before) || PUNCTUATION.test(before)) && readsOn(closeLettersAt(text, start + length));
  return {
    ...run,
    opens: opens && (!closes || PUNCTUATION.test(before)),
    closes: closes && (!opens || PUNCTUATION.test(after) || hasEnded),
  };
}

/** Whether a run stands against `inside`, seen from `outside`: CommonMark's left- and right-flanking in one. */
function flanks(outside: string, inside: string): boolean {
  if (isSpace(inside)) return false;
  if (!PUNCTUATION.test(inside) || EAST_ASIAN_PUNCTUATION.test(inside)) return true;
  return isSpace(outside) || PUNCTUATION.test(outside) || isCloseLetter(outside);
}

/** Hiragana and Han have no particles of their own letters; names of two words written so are rare. */
function readsOn(letters: string): boolean {
  return isParticle(letters) || /^[\p{Script=Hiragana}\p{Script=Han}]/u.test(letters);
}

function isSpace(character: string): boolean {
  return character.trim() === "";
}
