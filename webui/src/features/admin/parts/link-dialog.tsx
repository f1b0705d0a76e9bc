/** A link to be passed on, shown this once: to be copied, or to be read by a phone's camera. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { PassedLink } from "@/api/types.gen";
import { SecretDialog } from "@/ui/secret-dialog";

interface Props {
  title: string;
  link: PassedLink;
  children: ReactNode;
  close: () => void;
}

export function LinkDialog({ title, link, children, close }: Props) {
  const { t } = useTranslation();
  return (
    <SecretDialog
      title={title}
      label={t("admin.invitations.link")}
      secret={link.address}
      picture={
        link.is_local_only ? (
          <Alert severity="warning">{t("admin.localOnly")}</Alert>
        ) : (
          <Box
            component="img"
            src={link.qr}
            alt={t("admin.qr")}
            sx={{ width: 200, height: 200, justifySelf: "center" }}
          />
        )
      }
      close={close}
    >
      {children}
    </SecretDialog>
  );
}
