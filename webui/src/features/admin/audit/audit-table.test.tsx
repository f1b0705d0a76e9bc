import { render, screen, within } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import type { AuditView } from "@/api/types.gen";
import { ADMIN_WORDS, makeI18n, PAGE_WORDS } from "@/lib/i18n";
import { AuditTable } from "./audit-table";

afterEach(() => makeI18n("en", PAGE_WORDS, ADMIN_WORDS));

const NAMES = { u1: "엄마2", k1: "노트북" };

function entry(action: string, target: string, detail: Record<string, unknown> = {}, actor = "ann"): AuditView {
  const id = `${action}${target}`;
  return { entry_id: id, at_ms: 0, actor_id: "a", actor_name: actor, action, target, detail, ip: "" } as AuditView;
}

function cells(row: HTMLElement): (string | null)[] {
  return within(row)
    .getAllByRole("cell")
    .map((cell) => cell.querySelector(".cell-value")?.textContent ?? null);
}

test("an entry is words in the reader's language: what, whom, how", async () => {
  await makeI18n("ko", PAGE_WORDS, ADMIN_WORDS);
  const entries = [
    entry("user.quota", "u1", { quota_bytes: 1_000_000 }),
    entry("user.change", "u1", { role: "admin", is_disabled: false }),
    entry("user.sign_out", "gone", { num_ended: 3 }),
    entry("user.delete", "gone", { username: "bob" }),
    entry("key.revoke", "k1", { user_id: "u1" }),
    entry("key.create", "6fa1", { scopes: "chat sessions" }),
    { ...entry("user.reset_password", "u1", {}, "console"), actor_id: "" },
    entry("login.failed", "mallory"),
  ];
  render(<AuditTable entries={entries} names={NAMES} />);
  const [, ...rows] = screen.getAllByRole("row");
  expect(rows.map((row) => cells(row).slice(0, 4))).toEqual([
    ["ann", "할당량 변경", "엄마2", "1MB"],
    ["ann", "계정 변경", "엄마2", "관리자 · 사용 재개"],
    ["ann", "모든 기기에서 로그아웃", "삭제된 계정", "로그인 3개 종료"],
    ["ann", "계정 삭제", "bob", "–"],
    ["ann", "API 키 폐기", "노트북", "엄마2"],
    ["ann", "API 키 생성", "–", expect.stringMatching(/^[^{}[\]]+, [^{}[\]]+$/)],
    ["서버 콘솔", "비밀번호 재설정", "엄마2", "–"],
    ["ann", "로그인 실패", "mallory", "–"],
  ]);
});

test("a deed of a newer server is shown as it is called", () => {
  render(<AuditTable entries={[entry("sun.rise", "east", { at: 5 })]} names={{}} />);
  const [, row] = screen.getAllByRole("row");
  expect(row && cells(row).slice(1, 4)).toEqual(["sun.rise", "east", "at: 5"]);
});
