/** Load, unload, make the default, delete. What ends answers or deletes asks first. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { ModelView } from "@/api/types.gen";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { useFormat } from "@/ui/use-format";
import { adminKeys } from "../admin-keys";
import { useAction } from "../parts/use-action";

interface Props {
  model: Pick<ModelView, "name" | "state" | "kind" | "served" | "is_default" | "num_bytes" | "is_deletable">;
  /** Its file is known no more: once unloaded, it cannot be loaded from here. */
  isLost?: boolean;
}

export function ModelActions({ model, isLost = false }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const { act, attempt } = useAction();
  const [isBusy, setBusy] = useState(false);
  const [asked, setAsked] = useState<"unload" | "delete" | null>(null);
  const name = model.name;
  const body = { model: name };
  const changes = [adminKeys.models, adminKeys.engines, keys.models];
  const load = async () => {
    setBusy(true);
    await act(call("POST /api/admin/models/load", { body }), {
      said: t("admin.models.loading", { model: name }),
      changes,
    });
    setBusy(false);
  };
  const makeDefault = () =>
    act(call("POST /api/admin/models/default", { body }), {
      said: t("admin.models.isDefault", { model: name }),
      changes,
    });
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, mt: "auto", alignSelf: "end" }}>
      {model.served === null && model.state === "installed" && model.kind === "chat" && (
        <Button size="small" variant="outlined" loading={isBusy} onClick={load}>
          {t("admin.models.load")}
        </Button>
      )}
      {model.served === "ready" && !model.is_default && (
        <Button size="small" variant="outlined" onClick={makeDefault}>
          {t("admin.models.makeDefault")}
        </Button>
      )}
      {model.served !== null && (
        <Button size="small" variant="outlined" onClick={() => setAsked("unload")}>
          {t("admin.models.unload")}
        </Button>
      )}
      {model.served === null && model.is_deletable && (
        <Button size="small" color="error" onClick={() => setAsked("delete")}>
          {t("admin.models.delete")}
        </Button>
      )}
      {asked === "unload" && (
        <ConfirmDialog
          title={t("admin.models.unloadTitle", { model: name })}
          action={t("admin.models.unload")}
          run={() =>
            attempt(call("POST /api/admin/models/unload", { body }), {
              said: t("admin.models.unloading", { model: name }),
              changes,
            })
          }
          close={() => setAsked(null)}
        >
          {t("admin.models.unloadText")} {model.is_default && t("admin.models.unloadDefault")}{" "}
          {isLost && t("admin.models.unloadLost")}
        </ConfirmDialog>
      )}
      {asked === "delete" && (
        <ConfirmDialog
          title={t("admin.models.deleteTitle", { model: name })}
          action={t("admin.models.delete")}
          run={() =>
            attempt(call("DELETE /api/admin/models", { query: body }), {
              said: t("admin.models.deleted", { model: name }),
              changes,
            })
          }
          close={() => setAsked(null)}
        >
          {t("admin.models.deleteText", { size: format.bytes(model.num_bytes) })}
        </ConfirmDialog>
      )}
    </Box>
  );
}
