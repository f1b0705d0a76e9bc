import { renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { I18nextProvider } from "react-i18next";
import { expect, test } from "vitest";
import { ApiError } from "@/api/errors";
import { makeI18n, PAGE_WORDS, type Words } from "@/lib/i18n";
import { useErrorText } from "./use-error-text";

async function inKorean(...more: readonly Words[]) {
  const i18n = await makeI18n("ko", ...more);
  const wrapper = ({ children }: { children: ReactNode }) => <I18nextProvider i18n={i18n}>{children}</I18nextProvider>;
  return renderHook(useErrorText, { wrapper }).result.current;
}

test("a reason that the server names is said in the reader's language", async () => {
  const textOf = await inKorean(PAGE_WORDS);
  const error = new ApiError("too_many_keys", "There are 50 keys already: revoke one first.", null, 409);
  expect(textOf(error)).toBe("더 만들 수 있는 키가 없습니다. 먼저 하나를 폐기해 주세요.");
});

test("what can be refused in a chat is among the words that it loads", async () => {
  const textOf = await inKorean();
  for (const code of ["still_writing", "answer_complete", "has_followers", "cannot_continue", "nothing_there"]) {
    expect(textOf(new ApiError(code, "in English", null, 409))).toMatch(/[가-힣]/);
  }
});

test("what has no words of its own is said by its field, never in the server's English", async () => {
  const textOf = await inKorean();
  const refused = (param: string | null) =>
    textOf(new ApiError("invalid_value", "Invalid: must be a number.", param, 400));
  expect(refused("params.seed")).toBe("‘시드’ 값을 사용할 수 없습니다. 확인한 뒤 다시 입력해 주세요.");
  for (const param of ["toString", "cursor", "quota_bytes", null]) {
    expect(refused(param)).toBe("서버가 입력한 내용을 받아들이지 않았습니다. 확인한 뒤 다시 시도해 주세요.");
  }
  expect(textOf(new ApiError("internal_error", "Traceback", null, 500))).not.toMatch(/[A-Za-z]/);
});

test("an account at its limit hears when to try again, if the server said so", async () => {
  const textOf = await inKorean();
  const refused = (waitMs: number | null) => textOf(new ApiError("rate_limit_exceeded", "English", null, 429, waitMs));
  expect(refused(41_000)).toContain("41초 뒤에 다시 시도해 주세요.");
  expect(refused(null)).toContain("잠시 뒤에 다시 시도해 주세요.");
});
