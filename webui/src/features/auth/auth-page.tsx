/** The door: the first account of a new server, signing in, a first password, or an account with an invitation. */
import Link from "@mui/material/Link";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, Link as RouterLink, useLocation, useSearchParams } from "react-router";
import { useMe } from "@/api/use-me";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { AuthFrame } from "./auth-frame";
import { FirstPasswordForm } from "./first-password-form";
import { LoginForm } from "./login-form";
import { RegisterForm } from "./register-form";

interface Props {
  isRegistering?: boolean;
}

/** As high as a finger, px. */
const LONE_LINK = { mt: 1, lineHeight: "40px" } as const;

export function AuthPage({ isRegistering = false }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  const { state } = useLocation();
  const [search] = useSearchParams();
  const [typed, setTyped] = useState(""); // the password that was just signed in with
  if (me.isPending) return <Loading />;
  if (me.isError) return <QueryProblem error={me.error} retry={() => me.refetch()} />;
  if (me.data.user?.must_change_password) {
    return (
      <AuthFrame title={t("door.firstPasswordTitle")} text={t("door.firstPasswordText")}>
        <FirstPasswordForm current={typed} />
      </AuthFrame>
    );
  }
  if (me.data.user) return <Navigate to={placeBefore(state)} replace />;
  if (me.data.needs_first_account) {
    return (
      <AuthFrame title={t("door.firstTitle")} text={t("door.firstText")}>
        <RegisterForm code={me.data.needs_setup_code ? "setup" : null} />
      </AuthFrame>
    );
  }
  const { registration } = me.data;
  const isInvited = search.has("code"); // by an admin: that is the permission, also where registration is closed
  if (isRegistering && (isInvited || registration !== "closed")) {
    return (
      <AuthFrame title={t("door.registerTitle")}>
        <RegisterForm code={isInvited || registration === "invitation" ? "invitation" : null} />
        <Link component={RouterLink} to="/login" state={state} sx={LONE_LINK}>
          {t("door.toLogin")}
        </Link>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title={t("door.loginTitle")}>
      <LoginForm onTyped={setTyped} />
      {registration === "closed" ? (
        <Typography variant="body2" color="textSecondary" sx={{ mt: 2 }}>
          {t("door.closed")}
        </Typography>
      ) : (
        <Link component={RouterLink} to="/register" state={state} sx={LONE_LINK}>
          {t("door.toRegister")}
        </Link>
      )}
    </AuthFrame>
  );
}

/** Where somebody was going who had to sign in first; never to another server. */
function placeBefore(state: unknown): string {
  const from = (state as { from?: unknown } | null)?.from;
  return typeof from === "string" && /^\/(?!\/)/.test(from) ? from : "/";
}
