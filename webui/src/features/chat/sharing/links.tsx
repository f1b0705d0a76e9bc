/** Links that show a chat to whoever has them; each can be taken back. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import { Loading } from "@/ui/loading";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { LinkForm } from "./link-form";

interface Props {
  sessionId: string;
}

export function Links({ sessionId }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const path = { session_id: sessionId };
  const links = useQuery({
    queryKey: keys.links(sessionId),
    queryFn: ({ signal }) => call("GET /api/sessions/{session_id}/links", { path, signal }),
  });
  const readAgain = () => queries.invalidateQueries({ queryKey: keys.links(sessionId) });
  const revoke = useMutation({
    mutationFn: (linkId: string) =>
      call("DELETE /api/sessions/{session_id}/links/{link_id}", { path: { ...path, link_id: linkId } }),
    onSettled: readAgain,
  });
  const error = links.error ?? revoke.error;
  const validity = (expiresAt: number | null) => {
    if (expiresAt === null) return t("sharing.forEver");
    return t(expiresAt < Date.now() ? "sharing.over" : "sharing.until", { when: format.date(expiresAt) });
  };
  return (
    <Box component="section" aria-labelledby="sharing-links">
      <Typography id="sharing-links" component="h3" sx={{ fontWeight: 650 }}>
        {t("sharing.links")}
      </Typography>
      <Typography variant="body2" color="textSecondary" sx={{ mb: 2 }}>
        {t("sharing.linksText")}
      </Typography>
      <LinkForm sessionId={sessionId} done={readAgain} />
      {error && (
        <Alert severity="error" sx={{ mt: 1.5 }}>
          {textOf(error)}
        </Alert>
      )}
      {links.isPending && <Loading />}
      <Box component="ul" aria-labelledby="sharing-links" sx={{ m: 0, mt: 1, p: 0, listStyle: "none" }}>
        {links.data?.data.map((link) => {
          const made = t("sharing.made", { when: format.moment(link.created_at_ms) });
          return (
            <Box component="li" key={link.link_id} sx={{ display: "flex", alignItems: "center", gap: 1, py: 0.75 }}>
              <Box sx={{ flex: 1, minWidth: 0 }}>
                <Typography>{made}</Typography>
                <Typography variant="body2" color="textSecondary">
                  {validity(link.expires_at_ms)}
                </Typography>
              </Box>
              <Button
                size="small"
                aria-label={t("sharing.revokeOf", { link: made })}
                onClick={() => revoke.mutate(link.link_id)}
              >
                {t("sharing.revoke")}
              </Button>
            </Box>
          );
        })}
      </Box>
    </Box>
  );
}
