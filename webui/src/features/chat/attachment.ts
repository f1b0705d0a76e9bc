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
