import { fireEvent, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { message, openChat } from "@/test-app";
import { withAttachments } from "../attachment";

test("a pasted text is folded in its message, and opened there", async () => {
  const pasted = "a pasted line\n".repeat(700);
  openChat(() => [message("m1", { content: withAttachments("Sum this up", [{ id: "", text: pasted }]) })]);
  const chip = await screen.findByRole("button", { name: /^Pasted text, / });
  const article = screen.getByRole("article");
  expect(article.textContent).toContain("Sum this up");
  expect(article.textContent).not.toContain("a pasted line");
  expect(article.textContent).not.toContain("```");
  fireEvent.click(chip);
  expect(chip.getAttribute("aria-expanded")).toBe("true");
  expect(article.textContent).toContain("a pasted line");
});
