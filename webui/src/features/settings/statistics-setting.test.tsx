import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { ME, renderApp } from "@/test-app";

test("statistics are on for admins alone until somebody says otherwise, which the account keeps", async () => {
  let me = ME;
  const page = renderApp("/settings", {
    "GET /api/auth/me": () => me,
    "PATCH /api/profile": (body) => {
      expect(body).toEqual({ preferences: { shows_statistics: false } });
      me = { ...ME, user: ME.user && { ...ME.user, preferences: { shows_statistics: false } } };
      return me.user;
    },
  });
  const box = await screen.findByRole("checkbox", { name: "Show statistics under answers" });
  expect(box).toHaveProperty("checked", true);
  fireEvent.click(box);
  await waitFor(() => expect(box).toHaveProperty("checked", false));
  page.unmount();
  renderApp("/settings", { "GET /api/auth/me": () => ({ ...ME, role: "user" }) });
  expect(await screen.findByRole("checkbox", { name: "Show statistics under answers" })).toHaveProperty(
    "checked",
    false,
  );
});
