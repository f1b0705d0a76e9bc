import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { ConfirmDialog } from "./confirm-dialog";

function show(run: () => Promise<unknown>, word?: string) {
  const close = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ConfirmDialog title="Delete all?" action="Delete" run={run} close={close} {...(word ? { word } : {})}>
        It is gone then.
      </ConfirmDialog>
    </QueryClientProvider>,
  );
  return close;
}

test("what hurts most is done only after its name was typed", async () => {
  const run = vi.fn(async () => undefined);
  const close = show(run, "지영");
  const button = screen.getByRole<HTMLButtonElement>("button", { name: "Delete" });
  expect(button.disabled).toBe(true);
  await userEvent.type(screen.getByRole("textbox"), "지영".normalize("NFD"));
  await userEvent.click(button);
  expect(run).toHaveBeenCalledOnce();
  await waitFor(() => expect(close).toHaveBeenCalledOnce());
});

test("Cancel does nothing, and is where Enter goes first", async () => {
  const run = vi.fn(async () => undefined);
  const close = show(run);
  expect(document.activeElement?.textContent).toBe("Cancel");
  await userEvent.keyboard("{Enter}");
  expect(close).toHaveBeenCalled();
  expect(run).not.toHaveBeenCalled();
});

test("what fails is said in the dialog, which stays", async () => {
  const close = show(async () => {
    throw new ApiError("conflict", "It is needed.", null, 409);
  });
  await userEvent.click(screen.getByRole("button", { name: "Delete" }));
  expect((await screen.findByRole("alert")).textContent).toContain("changed somewhere else");
  expect(close).not.toHaveBeenCalled();
});
