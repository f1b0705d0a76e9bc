/** One's API keys: made here, shown once, taken back here. */

import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { KeyView } from "@/api/types.gen";
import { fullAddressOf } from "@/lib/place";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { Loading } from "@/ui/loading";
import { useNotices } from "@/ui/notices-state";
import { QueryProblem } from "@/ui/query-problem";
import { KeyRow } from "./key-row";
import { NewKeyDialog } from "./new-key-dialog";

export function KeyList() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { show } = useNotices();
  const [isMaking, setMaking] = useState(false);
  const [asked, setAsked] = useState<KeyView | null>(null);
  const found = useQuery({ queryKey: keys.apiKeys, queryFn: ({ signal }) => call("GET /api/keys", { signal }) });
  const revoke = async (key: KeyView) => {
    await call("DELETE /api/keys/{key_id}", { path: { key_id: key.key_id } });
    show({ text: t("keys.revoked", { name: key.name }) });
    queries.invalidateQueries({ queryKey: keys.apiKeys });
  };
  if (found.isError) return <QueryProblem error={found.error} retry={() => found.refetch()} />;
  if (found.isPending) return <Loading />;
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 0.5 }}>
        <Typography variant="h2" sx={{ flex: 1 }}>
          {t("keys.title")}
        </Typography>
        <Button variant="outlined" size="small" onClick={() => setMaking(true)}>
          {t("keys.make")}
        </Button>
      </Box>
      <Typography variant="body2" color="textSecondary" sx={{ mb: 1 }}>
        {t("keys.text", { address: fullAddressOf("/v1") })}
      </Typography>
      {found.data.data.length === 0 ? (
        <Typography sx={{ py: 1 }}>{t("keys.none")}</Typography>
      ) : (
        <Box component="ul" aria-label={t("keys.title")} sx={{ m: 0, p: 0, listStyle: "none" }}>
          {found.data.data.map((key) => (
            <KeyRow key={key.key_id} apiKey={key} revoke={() => setAsked(key)} />
          ))}
        </Box>
      )}
      {isMaking && <NewKeyDialog close={() => setMaking(false)} />}
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
    </>
  );
}
