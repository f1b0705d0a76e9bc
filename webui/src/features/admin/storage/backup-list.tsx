/** Copies of the database: made, taken away, deleted. */
import Button from "@mui/material/Button";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call, urlOf } from "@/api/client";
import type { BackupView } from "@/api/types.gen";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { type Column, DataTable } from "../parts/data-table";
import { Loaded } from "../parts/loaded";
import { useAction } from "../parts/use-action";

export function BackupList() {
  const { t } = useTranslation();
  const format = useFormat();
  const textOf = useErrorText();
  const { show } = useNotices();
  const { attempt } = useAction();
  const [asked, setAsked] = useState<BackupView | null>(null);
  const changes = [adminKeys.backups, adminKeys.storage];
  const backups = useQuery({
    queryKey: adminKeys.backups,
    queryFn: ({ signal }) => call("GET /api/admin/backups", { signal }),
    staleTime: 0,
  });
  const make = useMutation({
    mutationFn: () => attempt(call("POST /api/admin/backups"), { said: t("admin.backups.made"), changes }),
    onError: (error) => show({ text: textOf(error) }),
  });
  const columns: Column<BackupView>[] = [
    { key: "name", label: t("admin.backups.name"), isHeader: true, show: (row) => row.name },
    { key: "at", label: t("admin.backups.at"), show: (row) => format.moment(row.made_at_ms) },
    { key: "size", label: t("admin.models.size"), isNumber: true, show: (row) => format.bytes(row.num_bytes) },
    {
      key: "actions",
      label: t("admin.rowActions"),
      isUnlabelled: true,
      show: (row) => (
        <>
          <Button
            size="small"
            href={urlOf("/api/admin/backups/{name}", { name: row.name }, undefined)}
            download={row.name}
            aria-label={t("admin.backups.downloadOf", { name: row.name })}
          >
            {t("admin.backups.download")}
          </Button>
          <Button
            size="small"
            color="error"
            aria-label={t("admin.backups.deleteOf", { name: row.name })}
            onClick={() => setAsked(row)}
          >
            {t("admin.backups.delete")}
          </Button>
        </>
      ),
    },
  ];
  const remove = (row: BackupView) =>
    attempt(call("DELETE /api/admin/backups/{name}", { path: { name: row.name } }), { changes });
  return (
    <>
      <Button variant="outlined" loading={make.isPending} onClick={() => make.mutate()} sx={{ mb: 1 }}>
        {t("admin.backups.make")}
      </Button>
      <Loaded query={backups}>
        {({ data }) => (
          <DataTable
            label={t("admin.backups.title")}
            columns={columns}
            rows={data}
            keyOf={(row) => row.name}
            empty={t("admin.backups.none")}
          />
        )}
      </Loaded>
      {asked && (
        <ConfirmDialog
          title={t("admin.backups.deleteTitle", { name: asked.name })}
          action={t("admin.backups.delete")}
          run={() => remove(asked)}
          close={() => setAsked(null)}
        >
          {t("admin.backups.deleteText")}
        </ConfirmDialog>
      )}
    </>
  );
}
