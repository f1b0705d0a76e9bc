/** The pages of somebody with an account: sidebar, page, live line. Only here do features meet. */
import { useTranslation } from "react-i18next";
import { SessionSidebar } from "@/features/sessions/session-sidebar";
import { LiveProvider } from "@/live/live-provider";
import { Notices } from "@/ui/notices";
import { AccountMenu } from "./layout/account-menu";
import { AppLayout } from "./layout/app-layout";
import { LineNotice } from "./layout/line-notice";
import { useNews, useTelling } from "./use-news";

export function SignedIn() {
  const { t } = useTranslation();
  const hear = useNews();
  const tell = useTelling();
  const notice = <LineNotice onBack={() => tell(t("news.back"), "server", null)} />;
  return (
    <LiveProvider onFrame={hear}>
      <AppLayout sidebar={<SessionSidebar footer={<AccountMenu />} />} notice={notice} />
      <Notices />
    </LiveProvider>
  );
}
