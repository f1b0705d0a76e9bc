/** A password of one's own in the place of the one that an admin made: before anything else. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { Field } from "./field";
import { Form } from "./form";
import { faultsOf, MIN_PASSWORD_LENGTH } from "./required";
import { useSigningIn } from "./use-signing-in";

interface Props {
  /** What was just signed in with; "" after a reload: it is asked for again. */
  current: string;
}

export function FirstPasswordForm({ current }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(current);
  const [password, setPassword] = useState("");
  const { submit, isBusy, faults, problem } = useSigningIn({
    fields: ["current_password", "new_password"],
    check: () =>
      faultsOf(
        [
          { name: "current_password", value: typed },
          { name: "new_password", value: password, minLength: MIN_PASSWORD_LENGTH },
        ],
        { missing: t("door.missing"), tooShort: t("refusal.passwordLength") },
      ),
    send: () => call("POST /api/auth/password", { body: { current_password: typed, new_password: password } }),
  });
  const isAsked = current === "" || faults.current_password !== undefined;
  return (
    <Form label={t("door.setPassword")} problem={problem} isBusy={isBusy} submit={submit}>
      {isAsked && (
        <Field
          name="current_password"
          label={t("door.givenPassword")}
          value={typed}
          onValue={setTyped}
          faults={faults}
          type="password"
          autoComplete="current-password"
          autoFocus
        />
      )}
      <Field
        name="new_password"
        label={t("door.ownPassword")}
        hint={t("door.passwordHint")}
        value={password}
        onValue={setPassword}
        faults={faults}
        type="password"
        autoComplete="new-password"
        autoFocus={!isAsked}
      />
    </Form>
  );
}
