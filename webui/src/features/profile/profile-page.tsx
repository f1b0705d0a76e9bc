/** One's own account: the name that others see, the password, where one is signed in. */
import Divider from "@mui/material/Divider";
import { useTranslation } from "react-i18next";
import { useMe } from "@/api/use-me";
import { Page } from "@/ui/page";
import { LoginList } from "./login-list";
import { NameForm } from "./name-form";
import { PasswordForm } from "./password-form";

export function ProfilePage() {
  const { t } = useTranslation();
  const user = useMe().data?.user;
  if (!user) return null; // RequireUser has seen to that
  return (
    <Page title={t("profile.title")}>
      <NameForm user={user} />
      <Divider sx={{ my: 4 }} />
      <PasswordForm />
      <Divider sx={{ my: 4 }} />
      <LoginList />
    </Page>
  );
}
