/** The database: its size, its rows, and room in it that can be given back. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { Storage } from "@/api/types.gen";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { Card } from "../parts/card";
import { Facts } from "../parts/facts";
import { useAction } from "../parts/use-action";

interface Props {
  storage: Storage;
}

export function DatabaseCard({ storage }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const textOf = useErrorText();
  const { show } = useNotices();
  const { attempt } = useAction();
  const compact = useMutation({
    mutationFn: () => attempt(call("POST /api/admin/storage/compact"), { changes: [adminKeys.storage] }),
    onSuccess: (given) =>
      show({ text: t("admin.database.compacted", { size: format.bytes(given.num_bytes_given_back) }) }),
    onError: (error) => show({ text: textOf(error) }),
  });
  const free = storage.database_free_bytes;
  const rows = Object.entries(storage.num_rows).filter(([, num]) => num > 0);
  return (
    <Card>
      <Facts
        facts={[
          [t("admin.database.version"), storage.database_version],
          [t("admin.database.size"), format.bytes(storage.database_bytes)],
          [t("admin.database.charged"), format.bytes(storage.charged_bytes)],
          ...(free === null ? [] : [[t("admin.database.free"), format.bytes(free)] as const]),
          ...(storage.wal_bytes === null ? [] : [[t("admin.database.log"), format.bytes(storage.wal_bytes)] as const]),
        ]}
      />
      {free !== null && (
        <Button
          size="small"
          variant="outlined"
          sx={{ mt: 1.5 }}
          loading={compact.isPending}
          disabled={free === 0}
          onClick={() => compact.mutate()}
        >
          {t("admin.database.compact")}
        </Button>
      )}
      <Box component="details" sx={{ mt: 1.5, fontSize: "0.9rem" }}>
        <Box component="summary" sx={{ color: "text.secondary", cursor: "pointer", width: "fit-content", mb: 1 }}>
          {t("admin.database.rows")}
        </Box>
        <Facts facts={rows.map(([name, num]) => [name, format.number(num)] as const)} />
      </Box>
    </Card>
  );
}
