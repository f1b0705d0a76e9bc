/** Spans of a page's text and the places of their lines. The server counts code points, the browser UTF-16 units. Pure. */
import type { DocumentPageView } from "@/api/types.gen";

/** [start, end, left, top, right, bottom] */
type LineBox = DocumentPageView["boxes"][number];

export interface Span {
  start: number;
  end: number;
}

/** `text` cut at a span of code points. */
export function cutAt(text: string, { start, end }: Span): [before: string, within: string, after: string] {
  const from = unitOf(text, start, 0);
  const to = unitOf(text, Math.max(start, end) - start, from);
  return [text.slice(0, from), text.slice(from, to), text.slice(to)];
}

/** The unit at which `num` code points behind unit `from` have passed. */
function unitOf(text: string, num: number, from: number): number {
  let at = from;
  for (let n = 0; n < num && at < text.length; n += 1) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

export interface Mark {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where a span stands on a drawn page, in shares of its width and height; of a line that is in it partly, that part. */
export function marksOf(boxes: readonly LineBox[], span: Span, page: { width: number; height: number }): Mark[] {
  if (page.width <= 0 || page.height <= 0) return [];
  return boxes.flatMap(([start, end, left, top, right, bottom]) => {
    const first = Math.max(start, span.start);
    const last = Math.min(end, span.end);
    if (first >= last) return [];
    const perCharacter = (right - left) / (end - start);
    return [
      {
        left: (left + (first - start) * perCharacter) / page.width,
        top: top / page.height,
        width: ((last - first) * perCharacter) / page.width,
        height: (bottom - top) / page.height,
      },
    ];
  });
}
