/** Reads files as texts: UTF-8, UTF-16 with its mark, or what Korean Windows writes. What is none is refused by name. */
import type { Attachment } from "../attachment";
import { newId } from "../pending";

/** Far more than the context of a model that a machine at home can run. */
export const MAX_FILE_BYTES = 1_000_000;
export const MAX_FILES = 10; // at once

export type Refusal = { name: string; why: "picture" | "binary" | "tooLarge" | "empty" | "tooMany" | "unreadable" };

const PICTURE = /\.(?:avif|bmp|gif|heic|heif|ico|jpe?g|png|tiff?|webp)$/i;
/** A control character that no text has: tab, line feeds, form feed and escape occur. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what tells a text from other files
const NO_TEXT = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/;

export async function readTexts(files: readonly File[]): Promise<{ read: Attachment[]; refused: Refusal[] }> {
  const read: Attachment[] = [];
  const refused: Refusal[] = files.slice(MAX_FILES).map(({ name }) => ({ name, why: "tooMany" }));
  for (const file of files.slice(0, MAX_FILES)) {
    const found = await textOf(file);
    if (typeof found === "string") read.push({ id: newId(), name: file.name, text: found });
    else refused.push({ name: file.name, why: found.why });
  }
  return { read, refused };
}

async function textOf(file: File): Promise<string | Pick<Refusal, "why">> {
  if (PICTURE.test(file.name) || (file.type.startsWith("image/") && file.type !== "image/svg+xml")) {
    return { why: "picture" };
  }
  if (file.size > MAX_FILE_BYTES) return { why: "tooLarge" };
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    return { why: "unreadable" }; // a folder, or it is gone
  }
  const text = decoded(bytes)?.replaceAll(/\r\n?/g, "\n").trimEnd();
  if (text === undefined || NO_TEXT.test(text)) return { why: "binary" };
  return text.trim() === "" ? { why: "empty" } : text;
}

function decoded(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decodedAs("utf-16le", bytes);
  if (first === 0xfe && second === 0xff) return decodedAs("utf-16be", bytes);
  return decodedAs("utf-8", bytes) ?? decodedAs("euc-kr", bytes);
}

function decodedAs(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
