/** Texts that go with a message: a chip beside it, a fenced block in it. Pure. */

export interface Attachment {
  /** Of its chip. */
  id: string;
  text: string;
  /** Of the file that it came from; absent: it was pasted. */
  name?: string;
}

/** More than this, pasted, would make the field slow and unreadable. */
export const MAX_INLINE_CHARACTERS = 8000;

/** The message with its attachments below; each fence is longer than any in its text. */
export function withAttachments(text: string, attachments: readonly Attachment[]): string {
  const blocks = attachments.map(({ text: attached, name }) => {
    const longest = Math.max(2, ...(attached.match(/`{3,}/g) ?? []).map((run) => run.length));
    const fence = "`".repeat(longest + 1);
    const block = `${fence}\n${attached}\n${fence}`;
    return name === undefined ? block : `${name}:\n${block}`;
  });
  return [text.trim(), ...blocks].filter(Boolean).join("\n\n");
}

export type Attached = Pick<Attachment, "text" | "name">;

const FILE_NAME = /^[^\n/\\]{1,200}\.[A-Za-z0-9]{1,10}$/;
const BEGINNING = /(?:^|\n\n)(?=(?:[^\n]+:\n)?`{3,}\n)/g;
const OPENING = /(?:([^\n]+):\n)?(`{3,})\n/y;

/** A message taken apart again: its attachments stand at its end, and are files or too long to have been written there. */
export function withoutAttachments(content: string): { text: string; attached: readonly Attached[] } {
  let tried = 0;
  for (const { index, 0: gap } of content.matchAll(BEGINNING)) {
    const start = index + gap.length;
    if (start < tried) continue; // it lies in a block
    const found = blocksFrom(content, start);
    if (typeof found !== "number") return { text: content.slice(0, index), attached: found };
    tried = found;
  }
  return { text: content, attached: [] };
}

/** Of all that is left from `start` on; a number: that far it was attachments, and then no more. */
function blocksFrom(content: string, start: number): readonly Attached[] | number {
  const blocks: Attached[] = [];
  let at = start;
  while (true) {
    OPENING.lastIndex = at;
    const [opening, name, fence] = OPENING.exec(content) ?? [];
    if (!opening || !fence) return Math.max(at, start + 1);
    const end = content.indexOf(`\n${fence}`, at + opening.length - 1);
    const after = end + 1 + fence.length;
    if (end < 0) return content.length;
    const text = content.slice(at + opening.length, end);
    const isAttached = name === undefined ? text.length > MAX_INLINE_CHARACTERS : FILE_NAME.test(name);
    if (!isAttached) return after;
    blocks.push(name === undefined ? { text } : { text, name });
    if (after === content.length) return blocks;
    if (!content.startsWith("\n\n", after)) return after;
    at = after + 2;
  }
}
