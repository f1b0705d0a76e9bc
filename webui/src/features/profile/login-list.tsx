/** Where one is signed in, and a way to end each. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { useFormat } from "@/ui/use-format";

export function LoginList() {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const logins = useQuery({
    queryKey: keys.logins,
    queryFn: ({ signal }) => call("GET /api/auth/sessions", { signal }),
  });
  const end = useMutation({
    mutationFn: (loginId: string) => call("DELETE /api/auth/sessions/{login_id}", { path: { login_id: loginId } }),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.logins }),
  });
  if (logins.isError) return <QueryProblem error={logins.error} retry={() => logins.refetch()} />;
  if (logins.isPending) return <Loading />;
  return (
    <>
      <Typography variant="h2" gutterBottom>
        {t("profile.logins")}
      </Typography>
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {logins.data.data.map((login) => (
          <Box component="li" key={login.login_id} sx={{ display: "flex", alignItems: "center", gap: 2, py: 1.25 }}>
            <Box sx={{ flex: 1, minWidth: 0 }}>
              <Typography noWrap>{login.client || t("profile.unknownClient")}</Typography>
              <Typography variant="body2" color="textSecondary">
                {login.is_current ? t("profile.thisBrowser") : format.ago(login.last_used_at_ms, Date.now())} ·{" "}
                {login.ip}
              </Typography>
            </Box>
            {!login.is_current && (
              <Button size="small" onClick={() => end.mutate(login.login_id)}>
                {t("profile.endLogin")}
              </Button>
            )}
          </Box>
        ))}
      </Box>
    </>
  );
}
