/** One's own account: name, password, where one is signed in, keys for programs, what one has used and written; its end. */
import Divider from "@mui/material/Divider";
import Stack from "@mui/material/Stack";
import { useTranslation } from "react-i18next";
import { useOutletContext } from "react-router";
import { useMe } from "@/api/use-me";
import { Page } from "@/ui/page";
import { DeleteAccount } from "./delete-account";
import { EmailForm } from "./email-form";
import { KeyList } from "./key-list";
import { LoginList } from "./login-list";
import { NameForm } from "./name-form";
import { OwnUsage } from "./own-usage";
import { PasswordForm } from "./password-form";
import { SentMessages } from "./sent-messages";

/** What the frame around the page lends it. */
interface Frame {
  search: () => void;
  /** Forgets what this browser keeps for the account. */
  forget: () => void;
}

export function ProfilePage() {
  const { t } = useTranslation();
  const user = useMe().data?.user;
  const { search, forget } = useOutletContext<Frame>();
  if (!user) return null; // RequireUser has seen to that
  return (
    <Page title={t("layout.profile")}>
      <Stack spacing={2}>
        <NameForm user={user} />
        <EmailForm user={user} />
      </Stack>
      <Divider sx={{ my: 4 }} />
      <PasswordForm />
      <Divider sx={{ my: 4 }} />
      <LoginList />
      <Divider sx={{ my: 4 }} />
      <KeyList />
      <Divider sx={{ my: 4 }} />
      <OwnUsage />
      <Divider sx={{ my: 4 }} />
      <SentMessages search={search} />
      <Divider sx={{ my: 4 }} />
      <DeleteAccount gone={forget} />
    </Page>
  );
}
