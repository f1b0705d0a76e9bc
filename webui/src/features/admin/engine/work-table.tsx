/** What runs and what waits: where each stands, what it has cost so far, and a way to end it. */
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { type Column, DataTable } from "../parts/data-table";
import { ownerName } from "../parts/owner-name";
import { useAction } from "../parts/use-action";
import type { Work } from "./work";

interface Props {
  work: readonly Work[];
}

export function WorkTable({ work }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const { attempt } = useAction();
  const [asked, setAsked] = useState<Work | null>(null);
  const name = (row: Work) => ownerName(t, row.userId, row.username);
  const stateText = (row: Work) => {
    if (row.state !== "waiting") return t(`admin.work.states.${row.state}`);
    return row.position === null
      ? t("admin.work.states.waiting")
      : t("admin.work.position", { place: format.number(row.position) });
  };
  const cachedText = (row: Work) => {
    const tiers = [
      row.numFromRam > 0 && t("admin.work.fromRam", { num: format.number(row.numFromRam) }),
      row.numFromDisk > 0 && t("admin.work.fromDisk", { num: format.number(row.numFromDisk) }),
    ].filter(Boolean);
    return [shown(row.numCached, (num) => format.number(num)), ...tiers].join(" · ");
  };
  const columns: Column<Work>[] = [
    { key: "owner", label: t("admin.work.owner"), isHeader: true, show: name },
    { key: "model", label: t("admin.model"), show: (row) => row.model },
    {
      key: "priority",
      label: t("admin.work.priority"),
      show: (row) => (row.priority === null ? "–" : t(`admin.work.priorities.${row.priority}`)),
    },
    { key: "state", label: t("admin.state"), show: stateText },
    {
      key: "eta",
      label: t("admin.work.eta"),
      isNumber: true,
      show: (row) => (row.etaS === null ? "–" : t("admin.work.about", { time: format.duration(row.etaS * 1000) })),
    },
    {
      key: "read",
      label: t("admin.work.prompt"),
      isNumber: true,
      show: (row) => readText(row, (num) => format.number(num)),
    },
    {
      key: "cached",
      label: t("admin.work.cached"),
      isNumber: true,
      show: cachedText,
    },
    { key: "written", label: t("admin.work.written"), isNumber: true, show: (row) => format.number(row.numWritten) },
    {
      key: "cells",
      label: t("admin.cells.cells"),
      isNumber: true,
      show: (row) => shown(row.numCells, (num) => format.number(num)),
    },
    {
      key: "pauses",
      label: t("admin.work.pauses"),
      isNumber: true,
      show: (row) => shown(row.numPauses, (num) => format.number(num)),
    },
    { key: "age", label: t("admin.work.age"), isNumber: true, show: (row) => format.duration(row.ageMs) },
    {
      key: "actions",
      label: t("admin.rowActions"),
      isUnlabelled: true,
      show: (row) =>
        row.generationId !== null && (
          <Button size="small" aria-label={t("admin.work.cancelOf", { name: name(row) })} onClick={() => setAsked(row)}>
            {t("admin.work.cancel")}
          </Button>
        ),
    },
  ];
  const cancel = (generationId: string) =>
    attempt(call("DELETE /api/admin/generations/{generation_id}", { path: { generation_id: generationId } }), {
      said: t("admin.work.cancelled"),
      changes: [adminKeys.engines, adminKeys.running, adminKeys.requests],
    });
  return (
    <>
      <DataTable
        label={t("admin.work.title")}
        columns={columns}
        rows={work}
        keyOf={(row) => row.key}
        empty={t("admin.work.none")}
      />
      {asked?.generationId && (
        <ConfirmDialog
          title={t("admin.work.cancelTitle", { name: name(asked) })}
          action={t("admin.work.cancelAction")}
          run={() => cancel(asked.generationId ?? "")}
          close={() => setAsked(null)}
        >
          <Typography component="span">{t("admin.work.cancelText")}</Typography>
        </ConfirmDialog>
      )}
    </>
  );
}

function readText(row: Work, text: (num: number) => string): string {
  if (row.numPrompt === null) return "–";
  const isWhole = row.numRead === null || row.numRead >= row.numPrompt;
  return isWhole ? text(row.numPrompt) : `${text(row.numRead ?? 0)} / ${text(row.numPrompt)}`;
}

function shown(value: number | null, text: (num: number) => string): string {
  return value === null ? "–" : text(value);
}
