import { expect, test, vi } from "vitest";

test("code that does not come while its words do is an error of whoever asked, and of nobody else", async () => {
  vi.resetModules();
  const { makeI18n, PAGE_WORDS, withPageWords } = await import("./i18n");
  await makeI18n("en");
  let bring = () => {};
  const words = new Promise<never>((resolve) => {
    bring = () => resolve({ default: {} } as never);
  });
  vi.spyOn(PAGE_WORDS, "en").mockReturnValue(words);
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  const asked = withPageWords(Promise.reject(new Error("no line")));
  await new Promise((resolve) => setTimeout(resolve, 0));
  bring();
  await expect(asked).rejects.toThrow("no line");
  process.off("unhandledRejection", unhandled);
  expect(unhandled).not.toHaveBeenCalled();
});
