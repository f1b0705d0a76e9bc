/** Which page of the administration is where. For admins only: everybody else is told so, and the server asks again. */
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { Route, Routes } from "react-router";
import { useMe } from "@/api/use-me";
import { AdminLayout } from "@/features/admin/layout/admin-layout";
import { OverviewPage } from "@/features/admin/overview/overview-page";
import { useAdminNews } from "@/features/admin/use-admin-news";
import { addressOf } from "@/lib/place";
import { LiveProvider } from "@/live/live-provider";
import { Loading } from "@/ui/loading";
import { Notices } from "@/ui/notices";
import { Problem } from "@/ui/problem";
import { QueryProblem } from "@/ui/query-problem";
import { NotFound } from "./errors/not-found";
import { LineNotice } from "./layout/line-notice";

const ModelsPage = lazy(() =>
  import("@/features/admin/models/models-page").then((module) => ({ default: module.ModelsPage })),
);
const EnginePage = lazy(() =>
  import("@/features/admin/engine/engine-page").then((module) => ({ default: module.EnginePage })),
);
const UsersPage = lazy(() =>
  import("@/features/admin/users/users-page").then((module) => ({ default: module.UsersPage })),
);
const KeysPage = lazy(() =>
  import("@/features/admin/access/keys-page").then((module) => ({ default: module.KeysPage })),
);
const UsagePage = lazy(() =>
  import("@/features/admin/usage/usage-page").then((module) => ({ default: module.UsagePage })),
);
const AuditPage = lazy(() =>
  import("@/features/admin/audit/audit-page").then((module) => ({ default: module.AuditPage })),
);
const StoragePage = lazy(() =>
  import("@/features/admin/storage/storage-page").then((module) => ({ default: module.StoragePage })),
);

export function AdminRoutes() {
  const { t } = useTranslation();
  const me = useMe();
  const hear = useAdminNews();
  if (me.isPending) return <Loading />;
  if (me.isError) return <QueryProblem error={me.error} retry={() => me.refetch()} />;
  if (me.data.user?.must_change_password) {
    location.replace(addressOf("/login")); // of the chat's page, which is another document
    return <Loading />;
  }
  if (me.data.user?.role !== "admin") {
    return (
      <main>
        <Problem
          title={t("admin.only")}
          action={{ label: t("error.toStart"), onClick: () => location.assign(addressOf("/")) }}
        >
          {t("admin.onlyText")}
        </Problem>
      </main>
    );
  }
  return (
    <LiveProvider onFrame={hear}>
      <Routes>
        <Route element={<AdminLayout notice={<LineNotice whenBroken={t("admin.offline")} />} />}>
          <Route path="/" element={<OverviewPage />} />
          <Route path="/models" element={<ModelsPage />} />
          <Route path="/engine" element={<EnginePage />} />
          <Route path="/users" element={<UsersPage />} />
          <Route path="/keys" element={<KeysPage />} />
          <Route path="/usage" element={<UsagePage />} />
          <Route path="/audit" element={<AuditPage />} />
          <Route path="/storage" element={<StoragePage />} />
          <Route path="*" element={<NotFound />} />
        </Route>
      </Routes>
      <Notices />
    </LiveProvider>
  );
}
