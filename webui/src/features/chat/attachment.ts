/** Long pasted texts: a chip beside the message, a fenced block in it. Pure. */

export interface Attachment {
  text: string;
}

/** More than this, pasted, would make the field slow and unreadable. */
export const MAX_INLINE_CHARACTERS = 8000;

/** The message with its attachments below; each fence is longer than any in its text. */
export function withAttachments(text: string, attachments: readonly Attachment[]): string {
  const blocks = attachments.map(({ text: pasted }) => {
    const longest = Math.max(2, ...(pasted.match(/`{3,}/g) ?? []).map((run) => run.length));
    const fence = "`".repeat(longest + 1);
    return `${fence}\n${pasted}\n${fence}`;
  });
  return [text.trim(), ...blocks].filter(Boolean).join("\n\n");
}
