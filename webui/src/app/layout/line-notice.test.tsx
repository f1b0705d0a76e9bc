import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { Generations } from "@/live/generations";
import { LiveContext } from "@/live/live-context";
import type { LineState } from "@/live/socket";
import { renderApp } from "@/test-app";
import { LineNotice } from "./line-notice";

afterEach(() => {
  vi.useRealTimers();
});

test("the first connection is no return, however long it takes; a later one is", () => {
  vi.useFakeTimers();
  const back = vi.fn();
  const generations = new Generations();
  const at = (lineState: LineState) => (
    <LiveContext value={{ generations, lineState }}>
      <LineNotice onBack={back} />
    </LiveContext>
  );
  const page = render(at({ name: "connecting" }));
  const said = () => screen.getByRole("status").textContent;
  act(() => void vi.advanceTimersByTime(5000));
  expect(said()).not.toBe("");
  page.rerender(at({ name: "open", way: "socket" }));
  expect(said()).toBe("");
  expect(back).not.toHaveBeenCalled();
  page.rerender(at({ name: "connecting" }));
  act(() => void vi.advanceTimersByTime(5000));
  page.rerender(at({ name: "open", way: "socket" }));
  expect(back).toHaveBeenCalledOnce();
});

test("who was signed out elsewhere has a button to sign in again: a phone has no key to reload", async () => {
  const reload = vi.spyOn(location, "reload").mockImplementation(() => undefined);
  const page = renderApp("/");
  await waitFor(() => expect(page.lineTo("/ws/events")).toBeDefined());
  act(() => page.lineTo("/ws/events")?.onclose?.({ code: 4401 }));
  fireEvent.click(await screen.findByRole("button", { name: "Sign in" }));
  expect(reload).toHaveBeenCalledOnce();
});
