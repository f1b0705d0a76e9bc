/** Name and password. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { Field } from "./field";
import { Form } from "./form";
import { faultsOf } from "./required";
import { useSigningIn } from "./use-signing-in";

const FIELDS = ["username", "password"];

export function LoginForm() {
  const { t } = useTranslation();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const { submit, isBusy, faults, problem } = useSigningIn({
    fields: FIELDS,
    check: () =>
      faultsOf(
        [
          { name: "username", value: username },
          { name: "password", value: password },
        ],
        { missing: t("auth.missing"), tooShort: "" },
      ),
    send: () => call("POST /api/auth/login", { body: { username, password, cookie: true } }),
  });
  return (
    <Form label={t("auth.login")} problem={problem} isBusy={isBusy} submit={submit}>
      <Field
        name="username"
        label={t("auth.username")}
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
