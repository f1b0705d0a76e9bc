/** Invitations, and what became of them. */
import Button from "@mui/material/Button";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { InvitationView } from "@/api/types.gen";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { type Column, DataTable } from "../parts/data-table";
import { Loaded } from "../parts/loaded";
import { useAction } from "../parts/use-action";

export function InvitationTable() {
  const { t } = useTranslation();
  const format = useFormat();
  const { attempt } = useAction();
  const [asked, setAsked] = useState<InvitationView | null>(null);
  const invitations = useQuery({
    queryKey: adminKeys.invitations,
    queryFn: ({ signal }) => call("GET /api/admin/invitations", { signal }),
    staleTime: 0,
  });
  const stateOf = (row: InvitationView) => {
    if (row.used_at_ms !== null) return t("admin.invitations.used", { when: format.date(row.used_at_ms) });
    const isOver = row.expires_at_ms < Date.now();
    return t(isOver ? "admin.invitations.over" : "admin.invitations.open", { when: format.date(row.expires_at_ms) });
  };
  const nameOf = (row: InvitationView) => row.note || t("admin.invitations.unnamed");
  const columns: Column<InvitationView>[] = [
    { key: "note", label: t("admin.invitations.note"), isHeader: true, show: nameOf },
    { key: "made", label: t("admin.invitations.madeAt"), show: (row) => format.date(row.created_at_ms) },
    { key: "state", label: t("admin.state"), show: stateOf },
    {
      key: "actions",
      label: t("admin.rowActions"),
      isUnlabelled: true,
      show: (row) =>
        row.used_at_ms === null && (
          <Button
            size="small"
            aria-label={t("admin.invitations.revokeOf", { name: nameOf(row) })}
            onClick={() => setAsked(row)}
          >
            {t("admin.invitations.revoke")}
          </Button>
        ),
    },
  ];
  const revoke = (row: InvitationView) =>
    attempt(call("DELETE /api/admin/invitations/{invitation_id}", { path: { invitation_id: row.invitation_id } }), {
      said: t("admin.invitations.revoked"),
      changes: [adminKeys.invitations],
    });
  return (
    <>
      <Loaded query={invitations}>
        {({ data }) => (
          <DataTable
            label={t("admin.invitations.title")}
            columns={columns}
            rows={data}
            keyOf={(row) => row.invitation_id}
            empty={t("admin.invitations.none")}
          />
        )}
      </Loaded>
      {asked && (
        <ConfirmDialog
          title={t("admin.invitations.revokeTitle")}
          action={t("admin.invitations.revoke")}
          run={() => revoke(asked)}
          close={() => setAsked(null)}
        >
          {t("admin.invitations.revokeText")}
        </ConfirmDialog>
      )}
    </>
  );
}
