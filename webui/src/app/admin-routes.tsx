/** Which page of the administration is where. For admins only: everybody else is told so, and the server asks again. */
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Route, Routes } from "react-router";
import { useMe } from "@/api/use-me";
import { Loading } from "@/ui/loading";
import { Notices } from "@/ui/notices";
import { Problem } from "@/ui/problem";
import { QueryProblem } from "@/ui/query-problem";
import { NotFound } from "./errors/not-found";

const OverviewPage = lazy(() =>
  import("@/features/admin/overview/overview-page").then((module) => ({ default: module.OverviewPage })),
);

export function AdminRoutes() {
  const { t } = useTranslation();
  const me = useMe();
  if (me.isPending) return <Loading />;
  if (me.isError) return <QueryProblem error={me.error} retry={() => me.refetch()} />;
  if (me.data.user?.role !== "admin") {
    return (
      <Problem title={t("admin.only")} action={{ label: t("error.toStart"), onClick: () => location.assign("/") }}>
        {t("admin.onlyText")}
      </Problem>
    );
  }
  return (
    <Suspense fallback={<Loading />}>
      <Routes>
        <Route path="/" element={<OverviewPage />} />
        <Route path="*" element={<NotFound />} />
      </Routes>
      <Notices />
    </Suspense>
  );
}
