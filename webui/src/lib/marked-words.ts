/**
 * Marks words in what is shown, without touching the page: the browser paints ranges (CSS Custom Highlight API). One that
 * cannot shows the text as it is.
 */

const NAME = "found";
const ACCENTS = /[\u0300-\u036f]+/g;
const LETTER = /[\p{L}\p{N}]/u;
/** Scripts in which a word is found inside another, as the server finds it. */
const UNSPACED =
  /[\p{sc=Hangul}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** `words`: folded, as the server looked for them. Nothing is marked elsewhere, nor anything without a `root`. */
export function markWords(root: Node | null, words: readonly string[]): void {
  if (root === null || words.length === 0) CSS.highlights.delete(NAME);
  else CSS.highlights.set(NAME, new Highlight(...rangesOf(root, words)));
}

/** Where the words are, in the order of the text, whatever elements it is cut into. */
export function rangesOf(root: Node, words: readonly string[]): Range[] {
  const { text, places } = foldedText(root);
  const starts = words.flatMap((word) => (word ? [...occurrences(text, word)] : []));
  return starts.sort((a, b) => a.at - b.at).map(({ at, length }) => rangeOf(places, at, length));
}

interface Place {
  node: Text;
  start: number;
  end: number;
}

/** Each unit of the text knows which letters of which node it was. */
function foldedText(root: Node): { text: string; places: Place[] } {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const places: Place[] = [];
  let text = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const written = node as Text;
    for (const { segment, index } of segmenter.segment(written.data)) {
      const folded = fold(segment);
      text += folded;
      const place = { node: written, start: index, end: index + segment.length };
      for (let unit = 0; unit < folded.length; unit++) places.push(place);
    }
  }
  return { text, places };
}

function fold(segment: string): string {
  return segment.normalize("NFKD").replace(ACCENTS, "").toLowerCase().normalize("NFC");
}

function* occurrences(text: string, word: string): Generator<{ at: number; length: number }> {
  const isSpaced = !UNSPACED.test(word);
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    const isInside = isSpaced && LETTER.test(text[at - 1] ?? "") && !UNSPACED.test(text[at - 1] ?? "");
    if (!isInside) yield { at, length: word.length };
  }
}

function rangeOf(places: readonly Place[], at: number, length: number): Range {
  const first = places[at] as Place;
  const last = places[at + length - 1] as Place;
  const range = document.createRange();
  range.setStart(first.node, first.start);
  range.setEnd(last.node, last.end);
  return range;
}
