/** Name or email, and password. A link of a new account carries both behind its "#", which is sent nowhere. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "react-router";
import { call } from "@/api/client";
import { Field } from "./field";
import { Form } from "./form";
import { faultsOf } from "./required";
import { useSigningIn } from "./use-signing-in";

const FIELDS = ["username", "password"];

interface Props {
  /** What signed in: of use where it must be changed at once. */
  onTyped: (password: string) => void;
}

export function LoginForm({ onTyped }: Props) {
  const { t } = useTranslation();
  const given = new URLSearchParams(useLocation().hash.slice(1));
  const [username, setUsername] = useState(given.get("name") ?? "");
  const [password, setPassword] = useState(given.get("password") ?? "");
  const { submit, isBusy, faults, problem } = useSigningIn({
    fields: FIELDS,
    check: () =>
      faultsOf(
        [
          { name: "username", value: username },
          { name: "password", value: password },
        ],
        { missing: t("door.missing"), tooShort: "" },
      ),
    send: async () => {
      await call("POST /api/auth/login", { body: { username, password, cookie: true } });
      onTyped(password);
    },
  });
  return (
    <Form label={t("auth.login")} problem={problem} isBusy={isBusy} submit={submit}>
      <Field
        name="username"
        label={t("door.usernameOrEmail")}
        value={username}
        onValue={setUsername}
        faults={faults}
        autoComplete="username"
        autoFocus
      />
      <Field
        name="password"
        label={t("auth.password")}
        value={password}
        onValue={setPassword}
        faults={faults}
        type="password"
        autoComplete="current-password"
      />
    </Form>
  );
}
