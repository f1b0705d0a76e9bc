/** Where one is signed in, and a way to end each. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { clientName } from "@/lib/client-name";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { Loading } from "@/ui/loading";
import { useNotices } from "@/ui/notices-state";
import { QueryProblem } from "@/ui/query-problem";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";

export function LoginList() {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const [isAsking, setAsking] = useState(false);
  const logins = useQuery({
    queryKey: keys.logins,
    queryFn: ({ signal }) => call("GET /api/auth/sessions", { signal }),
  });
  const end = useMutation({
    mutationFn: (loginId: string) => call("DELETE /api/auth/sessions/{login_id}", { path: { login_id: loginId } }),
    onError: (error) => show({ text: textOf(error) }),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.logins }),
  });
  const endOthers = async () => {
    const { num_ended: count } = await call("DELETE /api/auth/sessions");
    show({ text: t("profile.othersEnded", { count }) });
    queries.invalidateQueries({ queryKey: keys.logins });
  };
  const nameOf = (client: string) => {
    const name = clientName(client);
    if (!name) return t("profile.unknownClient");
    return name.system === null ? name.program : t("profile.clientOn", { program: name.program, system: name.system });
  };
  if (logins.isError) return <QueryProblem error={logins.error} retry={() => logins.refetch()} />;
  if (logins.isPending) return <Loading />;
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 0.5 }}>
        <Typography variant="h2" sx={{ flex: 1 }}>
          {t("profile.logins")}
        </Typography>
        {logins.data.data.length > 1 && (
          <Button size="small" variant="outlined" onClick={() => setAsking(true)}>
            {t("profile.endOthers")}
          </Button>
        )}
      </Box>
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {logins.data.data.map((login) => (
          <Box component="li" key={login.login_id} sx={{ display: "flex", alignItems: "center", gap: 2, py: 1.25 }}>
            <Box sx={{ flex: 1, minWidth: 0 }}>
              <Typography noWrap title={login.client}>
                {nameOf(login.client)}
              </Typography>
              <Typography variant="body2" color="textSecondary">
                {login.is_current ? t("profile.thisBrowser") : format.ago(login.last_used_at_ms, Date.now())} ·{" "}
                {login.ip}
              </Typography>
            </Box>
            {!login.is_current && (
              <Button
                size="small"
                aria-label={t("profile.endLoginOf", { name: nameOf(login.client) })}
                onClick={() => end.mutate(login.login_id)}
              >
                {t("profile.endLogin")}
              </Button>
            )}
          </Box>
        ))}
      </Box>
      {isAsking && (
        <ConfirmDialog
          title={t("profile.endOthersTitle")}
          action={t("profile.endOthers")}
          run={endOthers}
          close={() => setAsking(false)}
        >
          {t("profile.endOthersText")}
        </ConfirmDialog>
      )}
    </>
  );
}
