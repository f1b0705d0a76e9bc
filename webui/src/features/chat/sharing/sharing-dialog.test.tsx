import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { LinkView, MemberView, SessionView } from "@/api/types.gen";
import { ME, Refusal, renderApp, session } from "@/test-app";

async function openMenu(role: SessionView["role"] = "owner") {
  const page = renderApp("/chat/s1", {
    "GET /api/sessions/s1": () => ({ ...session("s1", "About foxes"), role }),
    "GET /api/sessions/s1/messages": () => ({ data: [], next_cursor: null }),
    "GET /api/sessions/s1/members": () => ({ data: [] }),
    "GET /api/people": () => ({ data: [] }),
    "GET /api/sessions/s1/links": () => ({ data: [] }),
  });
  fireEvent.click(await screen.findByLabelText("Chat menu"));
  return page;
}

const ASKED: MemberView = {
  state: "invited",
  user_id: null,
  invitation_id: "i1",
  username: "nobody",
  display_name: "",
  role: "reader",
  created_at_ms: 0,
};

test("a name is asked, whoever has it, and the invitation is withdrawn", async () => {
  const { table } = await openMenu();
  let items: MemberView[] = [];
  table["GET /api/people"] = () => ({
    data: [
      { username: "bob", display_name: "Bob B." },
      { username: "nobody", display_name: "" }, // is invited already
    ],
  });
  table["GET /api/sessions/s1/members"] = () => ({ data: items });
  table["POST /api/sessions/s1/members"] = () => {
    items = [ASKED];
    return ASKED;
  };
  table["DELETE /api/sessions/s1/invitations/i1"] = () => {
    items = [];
    return undefined;
  };
  fireEvent.click(await screen.findByText("Share chat"));
  fireEvent.change(await screen.findByLabelText("Username"), { target: { value: "nobody" } });
  fireEvent.click(screen.getByText("Invite"));
  expect(await screen.findByText("Invited, not accepted yet")).toBeDefined();
  expect(screen.getByText(/“nobody” was invited. If there is an account/).getAttribute("role")).toBe("status");
  expect([...document.querySelectorAll("datalist option")].map((each) => each.getAttribute("label"))).toEqual([
    "Bob B. (bob)",
  ]);
  fireEvent.click(screen.getByLabelText("Cancel the invitation for nobody"));
  expect(await screen.findByText("No one has been invited yet.")).toBeDefined();
});

test("a member may more, and is removed", async () => {
  const { table } = await openMenu();
  let items: MemberView[] = [];
  const asked: unknown[] = [];
  table["GET /api/sessions/s1/members"] = () => ({ data: items });
  table["POST /api/sessions/s1/members"] = (body) => {
    asked.push(body);
    const { username, role } = body as MemberView;
    if (username === "nobody")
      return new Refusal(409, { code: "too_many_invitations", message: "too many", param: "username" });
    const state = "member";
    items = [{ ...ASKED, state, user_id: "u2", invitation_id: null, username, display_name: "Bob B.", role }];
    return items[0];
  };
  table["DELETE /api/sessions/s1/members/u2"] = () => {
    items = [];
    return undefined;
  };
  fireEvent.click(await screen.findByText("Share chat"));
  const name = await screen.findByLabelText("Username");
  fireEvent.change(name, { target: { value: "nobody" } });
  fireEvent.click(screen.getByText("Invite"));
  expect(await screen.findByText(/haven't been accepted yet/)).toBeDefined();
  fireEvent.change(name, { target: { value: "bob" } });
  fireEvent.click(screen.getByText("Invite"));
  expect(await screen.findByText("Bob B.")).toBeDefined();
  fireEvent.change(screen.getByLabelText("Permission of Bob B."), { target: { value: "writer" } });
  await waitFor(() => expect(asked.at(-1)).toEqual({ username: "bob", role: "writer" }));
  fireEvent.click(screen.getByLabelText("Remove Bob B."));
  expect(await screen.findByText("No one has been invited yet.")).toBeDefined();
});

test("a link is made, shown once, and revoked", async () => {
  const { table } = await openMenu();
  let items: LinkView[] = [];
  table["GET /api/sessions/s1/links"] = () => ({ data: items });
  table["POST /api/sessions/s1/links"] = (body) => {
    expect(body).toEqual({ expires_in_days: 7 });
    items = [{ link_id: "l1", created_at_ms: 0, expires_at_ms: null }];
    return { ...items[0], token: "secret", path: "/api/shared/secret" };
  };
  table["DELETE /api/sessions/s1/links/l1"] = () => {
    items = [];
    return undefined;
  };
  fireEvent.click(await screen.findByText("Share chat"));
  fireEvent.change(await screen.findByLabelText("Expires"), { target: { value: "7" } });
  fireEvent.click(screen.getByText("Create link"));
  expect(await screen.findByDisplayValue(`${location.origin}/shared/secret`)).toBeDefined();
  fireEvent.click(await screen.findByRole("button", { name: /^Revoke link/ }));
  await waitFor(() => expect(screen.queryByRole("button", { name: /^Revoke link/ })).toBeNull());
});

test("who was invited can leave, and shares nothing", async () => {
  const { table } = await openMenu("writer");
  let hasLeft = false;
  table[`DELETE /api/sessions/s1/members/${ME.user?.user_id}`] = () => {
    hasLeft = true;
    return undefined;
  };
  expect(screen.queryByText("Share chat")).toBeNull();
  fireEvent.click(await screen.findByText("Leave chat"));
  const dialog = await screen.findByRole("dialog");
  fireEvent.click(within(dialog).getByText("Leave chat"));
  expect(await screen.findByText("You left “About foxes”")).toBeDefined();
  expect(hasLeft).toBe(true);
});
