import { fireEvent, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { ME, Refusal, renderApp } from "@/test-app";

function fill(label: RegExp, value: string): void {
  fireEvent.change(screen.getByLabelText(label), { target: { value } });
}

function send(label: RegExp): void {
  const { form } = screen.getByLabelText<HTMLInputElement>(label);
  if (form) fireEvent.submit(form);
}

const STRANGER = { ...ME, user: null, role: null, scopes: [] };

test("a new server asks for its first account, then one can write", async () => {
  const sent: unknown[] = [];
  const page = renderApp("/", {
    "GET /api/auth/me": () => ({ ...STRANGER, needs_first_account: true, needs_setup_code: true }),
    "POST /api/auth/register": (body) => {
      sent.push(body);
      page.table["GET /api/auth/me"] = () => ME;
      return { user: ME.user, login_id: "l", expires_at_ms: 1, token: null };
    },
  });
  await screen.findByLabelText(/Setup code/);
  fill(/Setup code/, "AAAA-BBBB");
  fill(/Username/, "ann");
  fill(/Password/, "correct horse battery");
  send(/Password/);
  expect(await screen.findByLabelText("Write a message")).toBeDefined();
  expect(sent).toEqual([
    { username: "ann", password: "correct horse battery", cookie: true, locale: "en", setup_code: "AAAA-BBBB" },
  ]);
});

test("who must sign in first comes to where they were going", async () => {
  const page = renderApp("/settings", {
    "GET /api/auth/me": () => STRANGER,
    "POST /api/auth/login": (body) => {
      if ((body as { password: string }).password !== "right") {
        return new Refusal(401, { code: "login_failed", message: "no" });
      }
      page.table["GET /api/auth/me"] = () => ME;
      return { user: ME.user, login_id: "l", expires_at_ms: 1, token: null };
    },
  });
  await screen.findByLabelText(/Username/);
  fill(/Username/, "ann");
  fill(/Password/, "wrong");
  send(/Password/);
  expect((await screen.findByRole("alert")).textContent).toBe("Wrong username or password.");
  fill(/Password/, "right");
  send(/Password/);
  expect(await screen.findByRole("heading", { name: "Settings" })).toBeDefined();
});

test("what is wrong with a field is said at the field", async () => {
  renderApp("/register?code=INV-1", {
    "GET /api/auth/me": () => STRANGER,
    "POST /api/auth/register": () =>
      new Refusal(400, {
        code: "password_obvious",
        message: "Invalid 'password': is one of those that anybody would try first.",
        param: "password",
      }),
  });
  expect(await screen.findByLabelText(/Invitation/)).toHaveProperty("value", "INV-1");
  fill(/Username/, "bob");
  fill(/Password/, "12345678");
  send(/Password/);
  expect(await screen.findByText("This password is too easy to guess. Choose another one.")).toBeDefined();
  expect(screen.getByLabelText(/Password/).getAttribute("aria-invalid")).toBe("true");
  expect(screen.queryByRole("alert")).toBeNull();
});
