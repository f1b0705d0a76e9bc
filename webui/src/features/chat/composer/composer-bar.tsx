/** Below the field: the model, and the button that sends or stops. */
import Box from "@mui/material/Box";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import { ModelPicker } from "./model-picker";

const ROUND = {
  bgcolor: "primary.main",
  color: "primary.contrastText",
  "&:hover": { bgcolor: "primary.main", opacity: 0.9 },
  "&.Mui-disabled": { bgcolor: "action.disabledBackground" },
} as const;

interface Props {
  meter: ReactNode;
  canSend: boolean;
  send: () => void;
  /** Stops the answer that is being written. */
  stop: (() => void) | undefined;
  isStopping: boolean;
}

export function ComposerBar({ meter, canSend, send, stop, isStopping }: Props) {
  const { t } = useTranslation();
  return (
    <Box sx={{ display: "flex", alignItems: "center", justifyContent: "space-between", pt: 0.5 }}>
      <Box sx={{ display: "flex", alignItems: "center", gap: 1, minWidth: 0 }}>
        <ModelPicker />
        {meter}
        {stop && isStopping && (
          <Box component="span" role="status" sx={{ color: "text.secondary", fontSize: "0.88rem" }}>
            {t("chat.stopping")}
          </Box>
        )}
      </Box>
      {stop ? (
        // Not `disabled`, which would take the keyboard's focus away.
        <IconAction
          icon="stop"
          label={t("chat.stop")}
          aria-disabled={isStopping}
          onClick={isStopping ? undefined : stop}
          sx={isStopping ? { ...ROUND, opacity: 0.45, "&:hover": { bgcolor: "primary.main" } } : ROUND}
        />
      ) : (
        <IconAction icon="send" label={t("chat.send")} onClick={send} disabled={!canSend} sx={ROUND} />
      )}
    </Box>
  );
}
