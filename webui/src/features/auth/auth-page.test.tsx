import { fireEvent, screen, waitFor } from "@testing-library/react";
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
    {
      username: "ann",
      password: "correct horse battery",
      cookie: true,
      email: "",
      locale: "en",
      setup_code: "AAAA-BBBB",
    },
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
  expect((await screen.findByRole("alert")).textContent).toBe("Wrong username or password. Check both and try again.");
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

test("an invitation's link opens the form also where registration is closed", async () => {
  const sent: unknown[] = [];
  const page = renderApp("/register?code=INV-1", {
    "GET /api/auth/me": () => ({ ...STRANGER, registration: "closed" }),
    "POST /api/auth/register": (body) => {
      sent.push(body);
      page.table["GET /api/auth/me"] = () => ME;
      return { user: ME.user, login_id: "l", expires_at_ms: 1, token: null };
    },
  });
  expect(await screen.findByLabelText(/Invitation/)).toHaveProperty("value", "INV-1");
  fill(/Username/, "bob");
  fill(/Password/, "correct horse battery");
  send(/Password/);
  expect(await screen.findByLabelText("Write a message")).toBeDefined();
  expect(sent).toMatchObject([{ username: "bob", invitation: "INV-1" }]);
});

test("without an invitation a closed server has no form to register", async () => {
  renderApp("/register", { "GET /api/auth/me": () => ({ ...STRANGER, registration: "closed" }) });
  expect(await screen.findByRole("heading", { name: "Sign in" })).toBeDefined();
  expect(screen.queryByLabelText(/Invitation/)).toBeNull();
});

test("all that is wrong with the first form is said at once, and the server is not asked", async () => {
  let numSent = 0;
  renderApp("/", {
    "GET /api/auth/me": () => ({ ...STRANGER, needs_first_account: true }),
    "POST /api/auth/register": () => {
      numSent += 1;
      return new Refusal(400, { code: "username_form", message: "no", param: "username" });
    },
  });
  await screen.findByLabelText(/Username/);
  send(/Username/);
  expect(await screen.findAllByText("Fill this in.")).toHaveLength(2);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText(/Username/)));
  fill(/Username/, "ann");
  fill(/Password/, "seven77");
  send(/Username/);
  expect(await screen.findByText("Use 8 to 256 characters for the password.")).toBeDefined();
  expect(screen.getByLabelText(/Username/).getAttribute("aria-invalid")).toBe("false");
  expect(numSent).toBe(0);
});

test("a password can be looked at, and the language be chosen, before one has an account", async () => {
  renderApp("/login", { "GET /api/auth/me": () => STRANGER });
  const password = await screen.findByLabelText<HTMLInputElement>(/^Password/);
  expect(password.type).toBe("password");
  fireEvent.click(screen.getByRole("button", { name: "Show password" }));
  expect(password.type).toBe("text");
  fireEvent.click(screen.getByRole("button", { name: "Hide password" }));
  expect(password.type).toBe("password");
  fireEvent.click(screen.getByRole("button", { name: "한국어" }));
  expect(await screen.findByRole("heading", { name: "로그인" })).toBeDefined();
  expect(document.documentElement.lang).toBe("ko");
  expect(document.cookie).toContain("bdchat-language=ko"); // for the server's next <html lang>
  fireEvent.click(screen.getByRole("button", { name: "English" }));
  await screen.findByRole("heading", { name: "Sign in" });
});

const GIVEN = { ...ME, user: { ...ME.user, username: "bob", must_change_password: true } };
const signedInAs = (me: unknown) => ({ user: (me as typeof ME).user, login_id: "l", expires_at_ms: 1, token: null });

test("a new account's link signs in, and asks for a password of one's own before anything else", async () => {
  const sent: unknown[] = [];
  const page = renderApp("/login#name=bob&password=aaaaa-bbbbb", {
    "GET /api/auth/me": () => STRANGER,
    "POST /api/auth/login": (body) => {
      sent.push(body);
      page.table["GET /api/auth/me"] = () => GIVEN;
      return signedInAs(GIVEN);
    },
    "POST /api/auth/password": (body) => {
      sent.push(body);
      page.table["GET /api/auth/me"] = () => ME;
      return { num_ended: 0 };
    },
  });
  expect(await screen.findByLabelText(/Username or email/)).toHaveProperty("value", "bob");
  send(/Username/);
  await screen.findByRole("heading", { name: "Choose your password" });
  expect(screen.queryByLabelText(/Password you were given/)).toBeNull(); // it was just typed
  fill(/New password/, "correct horse battery");
  send(/New password/);
  expect(await screen.findByLabelText("Write a message")).toBeDefined();
  expect(sent).toEqual([
    { username: "bob", password: "aaaaa-bbbbb", cookie: true },
    { current_password: "aaaaa-bbbbb", new_password: "correct horse battery" },
  ]);
});

test("after a reload the given password is asked for again, and no other page is shown", async () => {
  renderApp("/settings", {
    "GET /api/auth/me": () => GIVEN,
    "POST /api/auth/password": () =>
      new Refusal(400, { code: "wrong_password", message: "no", param: "current_password" }),
  });
  await screen.findByLabelText(/Password you were given/);
  expect(screen.queryByRole("heading", { name: "Settings" })).toBeNull();
  fill(/Password you were given/, "wrong");
  fill(/New password/, "correct horse battery");
  send(/New password/);
  await waitFor(() =>
    expect(screen.getByLabelText(/Password you were given/).getAttribute("aria-invalid")).toBe("true"),
  );
});

test("an email is asked for, may be left out, and what is wrong with it is said at its field", async () => {
  const sent: unknown[] = [];
  renderApp("/register?code=INV-1", {
    "GET /api/auth/me": () => STRANGER,
    "POST /api/auth/register": (body) => {
      sent.push(body);
      return new Refusal(409, { code: "email_taken", message: "no", param: "email" });
    },
  });
  await screen.findByLabelText(/Email/);
  fill(/Username/, "bob");
  fill(/Email/, " bob@example.com ");
  fill(/^Password/, "correct horse battery");
  send(/Username/);
  expect(await screen.findByText("Another account uses this email. Enter a different one.")).toBeDefined();
  expect(sent).toMatchObject([{ email: "bob@example.com" }]);
});
