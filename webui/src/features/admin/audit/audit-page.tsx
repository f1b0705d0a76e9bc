/** Who did what, the newest first; narrowed down by kind, person and time; to be taken away as a file. */
import Button from "@mui/material/Button";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { call } from "@/api/client";
import { Icon } from "@/ui/icon";
import { adminKeys } from "../admin-keys";
import { AdminPage } from "../parts/admin-page";
import { Loaded } from "../parts/loaded";
import { AuditFields } from "./audit-fields";
import { filtersOf, jsonlHref } from "./audit-filter";
import { AuditTable } from "./audit-table";

export function AuditPage() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const filters = filtersOf(params);
  const entries = useInfiniteQuery({
    queryKey: adminKeys.audit(filters),
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/admin/audit", { query: { ...filters, ...(pageParam ? { cursor: pageParam } : {}) }, signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  return (
    <AdminPage
      title={t("admin.nav.audit")}
      actions={
        <Button variant="outlined" href={jsonlHref(filters)} download startIcon={<Icon name="download" size={18} />}>
          {t("admin.audit.jsonl")}
        </Button>
      }
    >
      <AuditFields params={params} onParams={(next) => setParams(next, { replace: true })} />
      <Loaded query={entries}>
        {({ pages }) => (
          <AuditTable
            entries={pages.flatMap((page) => page.data)}
            names={Object.assign({}, ...pages.map((page) => page.names))}
          />
        )}
      </Loaded>
      {entries.hasNextPage && (
        <Button sx={{ mt: 1 }} loading={entries.isFetchingNextPage} onClick={() => entries.fetchNextPage()}>
          {t("common.more")}
        </Button>
      )}
    </AdminPage>
  );
}
