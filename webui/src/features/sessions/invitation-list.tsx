/** Chats that the reader was asked into, above the list: nothing of them is seen before one has accepted. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useTranslation } from "react-i18next";
import type { ChatInvitationView } from "@/api/types.gen";
import { useErrorText } from "@/ui/use-error-text";
import { useInvitationAnswer } from "./use-invitation-answer";

interface Props {
  invitations: readonly ChatInvitationView[];
}

export function InvitationList({ invitations }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { accept, decline } = useInvitationAnswer();
  const error = accept.error ?? decline.error;
  const isBusy = accept.isPending || decline.isPending;
  return (
    <Box component="section" aria-labelledby="invitations" sx={{ px: 1.5, pb: 1, maxHeight: "40%", overflowY: "auto" }}>
      <Typography id="invitations" component="h2" variant="body2" sx={{ fontWeight: 650 }}>
        {t("invitations.title")}
      </Typography>
      {error && <Alert severity="error">{textOf(error)}</Alert>}
      <Box component="ul" aria-labelledby="invitations" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {invitations.map(({ invitation_id: id, title: given, role, ...owner }) => {
          const title = given || t("sessions.untitled");
          return (
            <Box
              component="li"
              key={id}
              sx={{ mt: 0.75, p: 1.25, border: 1, borderColor: "divider", borderRadius: 2, overflowWrap: "anywhere" }}
            >
              <Typography component="bdi" sx={{ display: "block", fontWeight: 500 }}>
                {title}
              </Typography>
              <Typography variant="body2" color="textSecondary">
                {t(`invitations.${role}`, { name: nameOf(owner) })}
              </Typography>
              <Box sx={{ display: "flex", gap: 1, mt: 1 }}>
                <Button
                  size="small"
                  variant="contained"
                  disabled={isBusy}
                  aria-label={t("invitations.acceptOf", { title })}
                  onClick={() => accept.mutate(id)}
                >
                  {t("invitations.accept")}
                </Button>
                <Button
                  size="small"
                  disabled={isBusy}
                  aria-label={t("invitations.declineOf", { title })}
                  onClick={() => decline.mutate(id)}
                >
                  {t("invitations.decline")}
                </Button>
              </Box>
            </Box>
          );
        })}
      </Box>
    </Box>
  );
}

/** Several people may show themselves by one name; accounts have names of their own. */
function nameOf({
  owner_name: name,
  owner_username: username,
}: Pick<ChatInvitationView, "owner_name" | "owner_username">) {
  return name === username ? name : `${name} (${username})`;
}
