/** The API keys of all accounts. They are made by their owners; an admin takes them away. */
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import Typography from "@mui/material/Typography";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { ManagedKey } from "@/api/types.gen";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { AdminPage } from "../parts/admin-page";
import { type Column, DataTable } from "../parts/data-table";
import { Loaded } from "../parts/loaded";
import { useAction } from "../parts/use-action";

export function KeysPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const { attempt } = useAction();
  const [withRevoked, setWithRevoked] = useState(false);
  const [asked, setAsked] = useState<ManagedKey | null>(null);
  const found = useInfiniteQuery({
    queryKey: adminKeys.keyList(withRevoked),
    queryFn: ({ signal, pageParam }) =>
      call("GET /api/admin/keys", {
        query: { with_revoked: withRevoked, ...(pageParam ? { cursor: pageParam } : {}) },
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
    staleTime: 0,
  });
  const stateOf = (row: ManagedKey) => {
    if (row.revoked_at_ms !== null) return t("admin.keys.revokedAt", { when: format.date(row.revoked_at_ms) });
    if (row.expires_at_ms === null) return t("keys.forEver");
    const isOver = row.expires_at_ms < Date.now();
    return t(isOver ? "keys.over" : "keys.until", { when: format.date(row.expires_at_ms) });
  };
  const columns: Column<ManagedKey>[] = [
    { key: "name", label: t("keys.name"), isHeader: true, show: (row) => row.name },
    { key: "owner", label: t("admin.keys.owner"), show: (row) => row.username },
    { key: "prefix", label: t("keys.begins"), show: (row) => <code>{row.prefix}…</code> },
    {
      key: "scopes",
      label: t("keys.scopes"),
      show: (row) =>
        [...row.scopes.map((scope) => t(`keys.scopeNames.${scope}`)), ...(row.is_bulk ? [t("keys.bulk")] : [])].join(
          ", ",
        ),
    },
    {
      key: "used",
      label: t("keys.used"),
      show: (row) => (row.last_used_at_ms === null ? t("keys.never") : format.ago(row.last_used_at_ms, Date.now())),
    },
    { key: "state", label: t("keys.valid"), show: stateOf },
    {
      key: "actions",
      label: t("admin.rowActions"),
      isUnlabelled: true,
      show: (row) =>
        row.revoked_at_ms === null && (
          <Button size="small" aria-label={t("keys.revokeOf", { name: row.name })} onClick={() => setAsked(row)}>
            {t("keys.revoke")}
          </Button>
        ),
    },
  ];
  const revoke = (row: ManagedKey) =>
    attempt(call("DELETE /api/admin/keys/{key_id}", { path: { key_id: row.key_id } }), {
      said: t("keys.revoked", { name: row.name }),
      changes: [adminKeys.keys],
    });
  return (
    <AdminPage title={t("admin.nav.keys")}>
      <Typography color="textSecondary" sx={{ mb: 1, maxWidth: 720 }}>
        {t("admin.keys.text")}
      </Typography>
      <FormControlLabel
        control={<Checkbox checked={withRevoked} onChange={(event) => setWithRevoked(event.target.checked)} />}
        label={t("admin.keys.withRevoked")}
      />
      <Loaded query={found}>
        {({ pages }) => (
          <DataTable
            label={t("admin.nav.keys")}
            columns={columns}
            rows={pages.flatMap((page) => page.data)}
            keyOf={(row) => row.key_id}
            empty={t("admin.keys.none")}
          />
        )}
      </Loaded>
      {found.hasNextPage && (
        <Button sx={{ mt: 1 }} loading={found.isFetchingNextPage} onClick={() => found.fetchNextPage()}>
          {t("common.more")}
        </Button>
      )}
      {asked && (
        <ConfirmDialog
          title={t("keys.revokeTitle", { name: asked.name })}
          action={t("keys.revoke")}
          run={() => revoke(asked)}
          close={() => setAsked(null)}
        >
          {t("keys.revokeText")}
        </ConfirmDialog>
      )}
    </AdminPage>
  );
}
