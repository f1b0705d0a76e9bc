import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import type { ChatInvitationView } from "@/api/types.gen";
import { Refusal, renderApp, session } from "@/test-app";

const INVITATION: ChatInvitationView = {
  invitation_id: "i1",
  title: "About foxes",
  owner_name: "Ann Kim",
  owner_username: "ann",
  role: "writer",
  created_at_ms: 0,
};

test("who is asked into a chat sees by whom, accepts, and is in it", async () => {
  let items = [INVITATION];
  renderApp("/", {
    "GET /api/invitations": () => ({ data: items }),
    "POST /api/invitations/i1/accept": () => {
      items = [];
      return { ...session("s1", "About foxes"), role: "writer" };
    },
    "GET /api/sessions/s1": () => ({ ...session("s1", "About foxes"), role: "writer" }),
    "GET /api/sessions/s1/messages": () => ({ data: [], next_cursor: null }),
  });
  expect(await screen.findByText("Ann Kim (ann) invited you to read and write")).toBeDefined();
  fireEvent.click(screen.getByRole("button", { name: "Accept “About foxes”" }));
  await waitFor(() => expect(screen.queryByText("Invitations")).toBeNull());
  expect(await screen.findByLabelText("Chat menu")).toBeDefined();
});

test("what is declined is gone; what was withdrawn meanwhile is told", async () => {
  let items = [INVITATION, { ...INVITATION, invitation_id: "i2", title: "About owls", owner_name: "ann" }];
  renderApp("/", {
    "GET /api/invitations": () => ({ data: items }),
    "POST /api/invitations/i1/decline": () => {
      items = items.filter((each) => each.invitation_id !== "i1");
      return undefined;
    },
    "POST /api/invitations/i2/accept": () => new Refusal(404, { code: "not_found", message: "no such invitation" }),
  });
  fireEvent.click(await screen.findByRole("button", { name: "Decline “About foxes”" }));
  await waitFor(() => expect(screen.queryByText("About foxes")).toBeNull());
  expect(screen.getByText("ann invited you to read and write")).toBeDefined();
  fireEvent.click(screen.getByRole("button", { name: "Accept “About owls”" }));
  expect(await screen.findByText(/Not found, or you don't have access/)).toBeDefined();
});
