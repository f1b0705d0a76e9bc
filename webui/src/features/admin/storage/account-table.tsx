/** The accounts that keep most, against what each may; first, together, all who came without one. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { AccountView, Storage } from "@/api/types.gen";
import { shareOf } from "@/ui/charts/scale";
import { Meter } from "@/ui/meter";
import { useFormat } from "@/ui/use-format";
import { type Column, DataTable } from "../parts/data-table";
import { ownerName } from "../parts/owner-name";

interface Props {
  storage: Storage;
}

export function AccountTable({ storage }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns: Column<AccountView>[] = [
    {
      key: "name",
      label: t("admin.users.name"),
      isHeader: true,
      show: (row) => ownerName(t, row.user_id, row.username),
    },
    {
      key: "messages",
      label: t("admin.accounts.messages"),
      isNumber: true,
      show: (row) => format.number(row.num_messages),
    },
    { key: "size", label: t("admin.accounts.size"), isNumber: true, show: (row) => format.bytes(row.num_bytes) },
    { key: "quota", label: t("admin.users.quota"), isNumber: true, show: (row) => format.bytes(row.quota_bytes) },
    {
      key: "share",
      label: t("admin.accounts.share"),
      show: (row) => (
        <Box sx={{ display: "flex", alignItems: "center", gap: 1, minWidth: 120 }}>
          <Meter
            label={t("admin.accounts.shareOf", { name: ownerName(t, row.user_id, row.username) })}
            share={shareOf(row.num_bytes, row.quota_bytes)}
          />
          <Box component="span" sx={{ whiteSpace: "nowrap" }}>
            {format.percent(shareOf(row.num_bytes, row.quota_bytes))}
          </Box>
        </Box>
      ),
    },
  ];
  return (
    <DataTable
      label={t("admin.accounts.title")}
      columns={columns}
      rows={[...guests(storage), ...storage.largest_accounts]}
      keyOf={(row) => row.user_id}
      empty={t("admin.accounts.none")}
    />
  );
}

/** Nobody, unless something is kept for them. */
function guests({ guest }: Storage): AccountView[] {
  if (guest.num_bytes === 0) return [];
  const { num_completions: num_messages, num_bytes, quota_bytes } = guest;
  return [{ user_id: "", username: "", num_messages, num_bytes, quota_bytes }];
}
