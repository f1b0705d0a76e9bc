/** Pinned system prompts, and what each model that is loaded has of them. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { ModelPin, PinView } from "@/api/types.gen";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { type Column, DataTable } from "../parts/data-table";
import { Loaded } from "../parts/loaded";
import { Section } from "../parts/section";
import { useAction } from "../parts/use-action";
import { NewPinDialog } from "./new-pin-dialog";

/** A pin is read when there is time: nobody tells when. */
const LOOK_AGAIN_MS = 5000;

export function PinTable() {
  const { t } = useTranslation();
  const { attempt } = useAction();
  const [asked, setAsked] = useState<PinView | null>(null);
  const [isMaking, setMaking] = useState(false);
  const pins = useQuery({
    queryKey: adminKeys.pins,
    queryFn: ({ signal }) => call("GET /api/admin/pins", { signal }),
    refetchInterval: LOOK_AGAIN_MS,
    staleTime: 0,
  });
  const columns: Column<PinView>[] = [
    { key: "title", label: t("admin.pins.name"), isHeader: true, show: (row) => row.title },
    { key: "prompt", label: t("admin.pins.prompt"), show: (row) => <Beginning text={row.system_prompt} /> },
    { key: "model", label: t("admin.model"), show: (row) => row.model ?? t("admin.pins.everyModel") },
    { key: "state", label: t("admin.state"), show: (row) => <States pins={row.models} /> },
    {
      key: "actions",
      label: t("admin.rowActions"),
      isUnlabelled: true,
      show: (row) => (
        <Button size="small" aria-label={t("admin.pins.removeOf", { name: row.title })} onClick={() => setAsked(row)}>
          {t("admin.pins.remove")}
        </Button>
      ),
    },
  ];
  const remove = (row: PinView) =>
    attempt(call("DELETE /api/admin/pins/{pin_id}", { path: { pin_id: row.pin_id } }), {
      said: t("admin.pins.removed", { name: row.title }),
      changes: [adminKeys.pins],
    });
  return (
    <Section
      title={t("admin.pins.title")}
      text={t("admin.pins.text")}
      actions={
        <Button variant="outlined" size="small" onClick={() => setMaking(true)}>
          {t("admin.pins.make")}
        </Button>
      }
    >
      <Loaded query={pins}>
        {({ data }) => (
          <DataTable
            label={t("admin.pins.title")}
            columns={columns}
            rows={data}
            keyOf={(row) => row.pin_id}
            empty={t("admin.pins.none")}
          />
        )}
      </Loaded>
      {isMaking && <NewPinDialog close={() => setMaking(false)} />}
      {asked && (
        <ConfirmDialog
          title={t("admin.pins.removeTitle", { name: asked.title })}
          action={t("admin.pins.remove")}
          run={() => remove(asked)}
          close={() => setAsked(null)}
        >
          {t("admin.pins.removeText")}
        </ConfirmDialog>
      )}
    </Section>
  );
}

function Beginning({ text }: { text: string }) {
  return (
    <Box component="span" title={text.slice(0, 1000)} sx={{ overflowWrap: "anywhere" }}>
      {text.length > 80 ? `${text.slice(0, 80)}…` : text}
    </Box>
  );
}

function States({ pins }: { pins: readonly ModelPin[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const stateOf = ({ state, num_tokens, num_bytes }: ModelPin) =>
    state === "kept"
      ? t("admin.pins.kept", { tokens: format.number(num_tokens), size: format.bytes(num_bytes) })
      : t(state === "waiting" ? "admin.pins.waiting" : "admin.pins.refused");
  if (pins.length === 0) return t("admin.pins.noModel");
  return pins.map((pin) => (
    <Box key={pin.model} sx={{ overflowWrap: "anywhere" }}>
      {pin.model}: {stateOf(pin)}
      {pin.reason && (
        <Box component="details" lang="en">
          <summary lang={document.documentElement.lang}>{t("admin.pulls.details")}</summary>
          {pin.reason}
        </Box>
      )}
    </Box>
  ));
}
