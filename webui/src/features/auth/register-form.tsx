/** A new account: the first of this server, or one with an invitation. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { call } from "@/api/client";
import { Field } from "./field";
import { Form } from "./form";
import { faultsOf, MIN_PASSWORD_LENGTH } from "./required";
import { useSigningIn } from "./use-signing-in";

interface Props {
  /** The kind of code that is asked for. */
  code: "setup" | "invitation" | null;
}

export function RegisterForm({ code }: Props) {
  const { t, i18n } = useTranslation();
  const [search] = useSearchParams();
  const fromLink = search.get("code") ?? "";
  const [username, setUsername] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [given, setGiven] = useState(fromLink);
  const codeField = code === "setup" ? "setup_code" : "invitation";
  const { submit, isBusy, faults, problem } = useSigningIn({
    fields: ["username", "email", "password", ...(code ? [codeField] : [])],
    check: () =>
      faultsOf(
        [
          ...(code ? [{ name: codeField, value: given }] : []),
          { name: "username", value: username },
          { name: "password", value: password, minLength: MIN_PASSWORD_LENGTH },
        ],
        { missing: t("door.missing"), tooShort: t("refusal.passwordLength") },
      ),
    send: () =>
      call("POST /api/auth/register", {
        body: {
          username,
          password,
          email: email.trim(),
          cookie: true,
          locale: i18n.language === "ko" ? "ko" : "en",
          ...(code ? { [codeField]: given.trim() } : {}),
        },
      }),
  });
  return (
    <Form label={t("door.register")} problem={problem} isBusy={isBusy} submit={submit}>
      {code && (
        <Field
          name={codeField}
          label={code === "setup" ? t("door.setupCode") : t("door.invitation")}
          hint={fromLink ? "" : code === "setup" ? t("door.setupCodeHint") : t("door.invitationHint")}
          value={given}
          onValue={setGiven}
          faults={faults}
          autoComplete="off"
          autoFocus={!fromLink}
        />
      )}
      <Field
        name="username"
        label={t("auth.username")}
        value={username}
        onValue={setUsername}
        faults={faults}
        autoComplete="username"
        autoFocus={!code || fromLink !== ""}
      />
      <Field
        name="email"
        label={t("door.email")}
        hint={t("door.emailHint")}
        value={email}
        onValue={setEmail}
        faults={faults}
        type="email"
        autoComplete="email"
        isOptional
      />
      <Field
        name="password"
        label={t("auth.password")}
        hint={t("door.passwordHint")}
        value={password}
        onValue={setPassword}
        faults={faults}
        type="password"
        autoComplete="new-password"
      />
    </Form>
  );
}
