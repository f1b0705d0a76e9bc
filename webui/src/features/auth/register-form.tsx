/** A new account: the first of this server, or one with an invitation. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { call } from "@/api/client";
import { Field } from "./field";
import { Form } from "./form";
import { useSigningIn } from "./use-signing-in";

interface Props {
  /** The kind of code that is asked for. */
  code: "setup" | "invitation" | null;
}

export function RegisterForm({ code }: Props) {
  const { t, i18n } = useTranslation();
  const [search] = useSearchParams();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [given, setGiven] = useState(search.get("code") ?? ""); // an invitation's link carries it
  const field = code === "setup" ? "setup_code" : "invitation";
  const fields = ["username", "password", ...(code ? [field] : [])];
  const { submit, isBusy, error } = useSigningIn(() =>
    call("POST /api/auth/register", {
      body: {
        username,
        password,
        cookie: true,
        locale: i18n.language === "ko" ? "ko" : "en",
        ...(code ? { [field]: given } : {}),
      },
    }),
  );
  return (
    <Form label={t("auth.register")} fields={fields} error={error} isBusy={isBusy} submit={submit}>
      {code && (
        <Field
          name={field}
          label={code === "setup" ? t("auth.setupCode") : t("auth.invitation")}
          hint={code === "setup" ? t("auth.setupCodeHint") : t("auth.invitationHint")}
          value={given}
          onValue={setGiven}
          error={error}
          autoComplete="off"
          autoFocus
        />
      )}
      <Field
        name="username"
        label={t("auth.username")}
        value={username}
        onValue={setUsername}
        error={error}
        autoComplete="username"
        autoFocus={!code}
      />
      <Field
        name="password"
        label={t("auth.password")}
        hint={t("auth.passwordHint")}
        value={password}
        onValue={setPassword}
        error={error}
        type="password"
        autoComplete="new-password"
      />
    </Form>
  );
}
