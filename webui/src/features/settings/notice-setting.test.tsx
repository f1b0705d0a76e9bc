import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { showBrowserNotice } from "@/lib/browser-notice";
import { NoticeSetting } from "./notice-setting";

const LABEL = "Notify me when an answer is complete and I'm looking elsewhere";
const box = () => screen.getByRole<HTMLInputElement>("checkbox", { name: LABEL });

function browser(permission: NotificationPermission, answer: NotificationPermission = permission) {
  localStorage.clear();
  const shown: string[] = [];
  class Notice {
    static permission = permission;
    static requestPermission = async () => {
      Notice.permission = answer;
      return answer;
    };
    constructor(_title: string, { body }: { body: string }) {
      shown.push(body);
    }
  }
  vi.stubGlobal("Notification", Notice);
  vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  return shown;
}

test("notices are turned on and off again", async () => {
  const shown = browser("default", "granted");
  render(<NoticeSetting />);
  expect(box().checked).toBe(false);
  fireEvent.click(box());
  await waitFor(() => expect(box().checked).toBe(true));
  showBrowserNotice("one", "tag", () => undefined);
  fireEvent.click(box());
  await waitFor(() => expect(box().checked).toBe(false));
  showBrowserNotice("two", "tag", () => undefined);
  expect(shown).toEqual(["one"]);
});

test("what the browser does not allow cannot be turned on, and it says why", async () => {
  browser("default", "denied");
  render(<NoticeSetting />);
  fireEvent.click(box());
  expect(await screen.findByText(/blocked/)).toBeDefined();
  expect([box().checked, box().disabled]).toEqual([false, true]);
});
