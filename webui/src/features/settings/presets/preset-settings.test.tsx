import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { ME, renderApp } from "@/test-app";

test("a preset is made, kept with the account, and deleted with a way back", async () => {
  let presets: unknown[] = [];
  renderApp("/settings", {
    "GET /api/auth/me": () => ({ ...ME, user: ME.user && { ...ME.user, preferences: { presets } } }),
    "PATCH /api/profile": (body) => {
      presets = (body as { preferences: { presets: unknown[] } }).preferences.presets;
      return ME.user;
    },
  });
  fireEvent.click(await screen.findByText("New prompt"));
  fireEvent.change(await screen.findByLabelText("Name"), { target: { value: "sum up" } });
  fireEvent.change(screen.getByLabelText("Text"), { target: { value: "Sum up:" } });
  fireEvent.click(screen.getByText("Save"));
  fireEvent.click(await screen.findByLabelText("Delete /sum-up"));
  await waitFor(() => expect(presets).toEqual([]));
  fireEvent.click(await screen.findByText("Undo"));
  await waitFor(() => expect(presets).toEqual([{ name: "sum-up", text: "Sum up:", systemPrompt: "" }]));
});
