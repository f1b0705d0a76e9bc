/** The pages of somebody with an account: sidebar, page, live line. Only here do features meet. */
import { SessionSidebar } from "@/features/sessions/session-sidebar";
import { LiveProvider } from "@/live/live-provider";
import { Notices } from "@/ui/notices";
import { AccountMenu } from "./layout/account-menu";
import { AppLayout } from "./layout/app-layout";
import { LineNotice } from "./layout/line-notice";
import { useNews } from "./use-news";

export function SignedIn() {
  const hear = useNews();
  return (
    <LiveProvider onFrame={hear}>
      <AppLayout sidebar={<SessionSidebar footer={<AccountMenu />} />} notice={<LineNotice />} />
      <Notices />
    </LiveProvider>
  );
}
