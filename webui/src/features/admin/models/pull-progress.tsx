/** One download: how far it is, how fast, whether what came is whole, and the ways to hold it or give it up. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { PullView } from "@/api/types.gen";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { Meter } from "@/ui/meter";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { ToldWithDetails } from "../parts/told-with-details";
import { useAction } from "../parts/use-action";
import { pullStage } from "./pull-stage";

interface Props {
  pull: PullView;
}

export function PullProgress({ pull }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const { act, attempt } = useAction();
  const [isAsking, setAsking] = useState(false);
  const path = { pull_id: pull.pull_id };
  const changes = [adminKeys.pulls, adminKeys.models];
  const { stage, share, leftMs } = pullStage(pull);
  const size =
    pull.num_bytes_total === null
      ? format.bytes(pull.num_bytes_done)
      : t("admin.pulls.of", { done: format.bytes(pull.num_bytes_done), total: format.bytes(pull.num_bytes_total) });
  const details = [
    size,
    ...(pull.bytes_per_s ? [t("admin.pulls.speed", { speed: format.bytes(pull.bytes_per_s) })] : []),
    ...(leftMs === null ? [] : [t("admin.pulls.left", { time: format.duration(leftMs) })]),
  ];
  return (
    <Box component="article" aria-label={pull.model} sx={{ display: "grid", gap: 1 }}>
      <Typography variant="h3" sx={{ overflowWrap: "anywhere" }}>
        {pull.model}
      </Typography>
      <Typography role="status" variant="body2" sx={{ fontWeight: 550 }}>
        {t(`admin.pulls.states.${stage}`)}
      </Typography>
      {share !== null && <Meter label={t("admin.pulls.progress", { model: pull.model })} share={share} />}
      {stage !== "done" && (
        <Typography variant="body2" color="textSecondary" sx={{ fontVariantNumeric: "tabular-nums" }}>
          {details.join(" · ")}
        </Typography>
      )}
      {pull.installed_as && pull.installed_as !== pull.model && (
        <Typography variant="body2">{t("admin.pulls.installedAs", { name: pull.installed_as })}</Typography>
      )}
      {pull.error && (
        <ToldWithDetails
          severity="error"
          text={t(`admin.pulls.faults.${pull.error_code ?? "other"}`)}
          details={pull.error}
        />
      )}
      <Box sx={{ display: "flex", gap: 1 }}>
        {pull.state === "running" && (
          <Button
            size="small"
            variant="outlined"
            onClick={() => act(call("POST /api/admin/pulls/{pull_id}/pause", { path }), { changes })}
          >
            {t("admin.pulls.pause")}
          </Button>
        )}
        {(pull.state === "paused" || pull.state === "failed" || pull.state === "cancelled") && (
          <Button
            size="small"
            variant="outlined"
            onClick={() => act(call("POST /api/admin/pulls/{pull_id}/resume", { path }), { changes })}
          >
            {t(pull.state === "paused" ? "admin.pulls.resume" : "admin.pulls.again")}
          </Button>
        )}
        {(pull.state === "running" || pull.state === "paused" || pull.state === "failed") && (
          <Button size="small" color="error" onClick={() => setAsking(true)}>
            {t("admin.pulls.cancel")}
          </Button>
        )}
        {(pull.state === "done" || pull.state === "cancelled") && (
          <Button size="small" onClick={() => act(call("DELETE /api/admin/pulls/{pull_id}", { path }), { changes })}>
            {t("admin.pulls.clear")}
          </Button>
        )}
      </Box>
      {isAsking && (
        <ConfirmDialog
          title={t("admin.pulls.cancelTitle", { model: pull.model })}
          action={t("admin.pulls.cancelAction")}
          run={() => attempt(call("DELETE /api/admin/pulls/{pull_id}", { path }), { changes })}
          close={() => setAsking(false)}
        >
          {t("admin.pulls.cancelText", { size: format.bytes(pull.num_bytes_done) })}
        </ConfirmDialog>
      )}
    </Box>
  );
}
