import { act, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { renderApp } from "@/test-app";

test("who was signed out elsewhere has a button to sign in again: a phone has no key to reload", async () => {
  const reload = vi.spyOn(location, "reload").mockImplementation(() => undefined);
  const page = renderApp("/");
  await waitFor(() => expect(page.lineTo("/ws/events")).toBeDefined());
  act(() => page.lineTo("/ws/events")?.onclose?.({ code: 4401 }));
  fireEvent.click(await screen.findByRole("button", { name: "Sign in" }));
  expect(reload).toHaveBeenCalledOnce();
});
