import { expect, test } from "vitest";
import { MAX_FILE_BYTES, MAX_FILES, readTexts } from "./read-texts";

const file = (name: string, ...parts: BlobPart[]) => new File(parts, name);
const bytes = (...values: number[]) => new Uint8Array(values);

async function whyOf(one: File): Promise<string | undefined> {
  return (await readTexts([one])).refused[0]?.why;
}

test.each([
  { what: "UTF-8", parts: ["안녕\r\nhello\r\n"], text: "안녕\nhello" },
  { what: "UTF-8 with its mark", parts: ["\ufeff가나"], text: "가나" },
  { what: "EUC-KR", parts: [bytes(0xbe, 0xc8, 0xb3, 0xe7)], text: "안녕" },
  { what: "UTF-16", parts: [bytes(0xff, 0xfe, 0x48, 0xc5, 0x55, 0xb1)], text: "안녕" },
])("a text in $what is read", async ({ parts, text }) => {
  const { read, refused } = await readTexts([file("메모.txt", ...parts)]);
  expect(refused).toEqual([]);
  expect(read).toMatchObject([{ name: "메모.txt", text }]);
});

test("what is no text is refused by its reason", async () => {
  expect(await whyOf(file("cat.PNG", "x"))).toBe("picture");
  expect(await whyOf(new File(["x"], "clipboard", { type: "image/webp" }))).toBe("picture");
  expect(await whyOf(file("a.zip", bytes(0x50, 0x4b, 3, 4, 0, 0)))).toBe("binary");
  expect(await whyOf(file("a.bin", bytes(0xff, 0xff, 0xff)))).toBe("binary");
  expect(await whyOf(file("empty.txt", " \n"))).toBe("empty");
  expect(await whyOf(file("long.txt", "x".repeat(MAX_FILE_BYTES + 1)))).toBe("tooLarge");
  expect(await whyOf(new File(["<svg/>"], "a.svg", { type: "image/svg+xml" }))).toBeUndefined();
});

test("of too many files the first are read", async () => {
  const files = Array.from({ length: MAX_FILES + 1 }, (_, n) => file(`${n}.txt`, `text ${n}`));
  const { read, refused } = await readTexts(files);
  expect(read).toHaveLength(MAX_FILES);
  expect(refused).toEqual([{ name: `${MAX_FILES}.txt`, why: "tooMany" }]);
});
