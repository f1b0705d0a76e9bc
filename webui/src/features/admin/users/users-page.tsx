/** Every account, and who may come in next. */
import Button from "@mui/material/Button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/icon";
import { InvitationTable } from "../access/invitation-table";
import { InviteDialog } from "../access/invite-dialog";
import { AdminPage } from "../parts/admin-page";
import { Section } from "../parts/section";
import { LoadTable } from "./load-table";
import { NewUserDialog } from "./new-user-dialog";
import { UserTable } from "./user-table";

export function UsersPage() {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<"invite" | "create" | null>(null);
  const close = () => setOpened(null);
  return (
    <AdminPage
      title={t("admin.nav.users")}
      actions={
        <>
          <Button variant="outlined" onClick={() => setOpened("create")}>
            {t("admin.users.create")}
          </Button>
          <Button variant="contained" startIcon={<Icon name="plus" size={18} />} onClick={() => setOpened("invite")}>
            {t("admin.users.invite")}
          </Button>
        </>
      }
    >
      <UserTable />
      <Section title={t("admin.limits.title")} text={t("admin.limits.text")}>
        <LoadTable />
      </Section>
      <Section title={t("admin.invitations.title")} text={t("admin.invitations.text")}>
        <InvitationTable />
      </Section>
      {opened === "invite" && <InviteDialog close={close} />}
      {opened === "create" && <NewUserDialog close={close} />}
    </AdminPage>
  );
}
