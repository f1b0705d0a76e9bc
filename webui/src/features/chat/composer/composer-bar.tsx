/** Below the field: files, the model, and the buttons that send and stop. */
import Box from "@mui/material/Box";
import { type ReactNode, useRef } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import { latePart } from "@/ui/late-part";
import { useMenuAnchor } from "@/ui/use-menu-anchor";
import type { ModelChoice } from "../model-choice";
import { ModelPicker } from "./model-picker";

const AttachMenu = latePart(() => import("./attach-menu").then((module) => module.AttachMenu));

const ROUND = {
  bgcolor: "primary.main",
  color: "primary.contrastText",
  "&:hover": { bgcolor: "primary.main", opacity: 0.9 },
  "&.Mui-disabled": { bgcolor: "action.disabledBackground" },
} as const;

interface Props {
  choice: ModelChoice;
  attach: (files: readonly File[]) => void;
  /** Among the documents that are there already; null: there are none. */
  choose: (() => void) | null;
  meter: ReactNode;
  canSend: boolean;
  send: () => void;
  /** Stops the answer that is being written; what is sent meanwhile waits for its end. */
  stop: (() => void) | undefined;
  isStopping: boolean;
  isSendShown: boolean;
}

export function ComposerBar({ choice, attach, choose, meter, canSend, send, stop, isStopping, isSendShown }: Props) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  const menu = useMenuAnchor();
  const pick = () => input.current?.click();
  return (
    <Box sx={{ display: "flex", alignItems: "center", justifyContent: "space-between", gap: 1, pt: 0.5 }}>
      <Box sx={{ display: "flex", alignItems: "center", gap: 0.5, minWidth: 0 }}>
        <IconAction
          icon="plus"
          label={t("composer.attach")}
          onClick={choose ? menu.open : pick}
          {...(choose ? { "aria-haspopup": "menu" } : {})}
        />
        {choose && menu.wasOpened && (
          <AttachMenu.Part anchor={menu.anchor} close={menu.close} upload={pick} choose={choose} />
        )}
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label={t("composer.attach")}
          onChange={({ target }) => {
            attach([...(target.files ?? [])]);
            target.value = ""; // the same file may be chosen again
          }}
        />
        <ModelPicker choice={choice} />
        {meter}
        {stop && isStopping && (
          <Box component="span" role="status" sx={{ color: "text.secondary", fontSize: "0.88rem" }}>
            {t("chat.stopping")}
          </Box>
        )}
      </Box>
      <Box sx={{ display: "flex", gap: 0.5 }}>
        {stop && (
          // Not `disabled`, which would take the keyboard's focus away.
          <IconAction
            icon="stop"
            label={t("chat.stop")}
            aria-disabled={isStopping}
            onClick={isStopping ? undefined : stop}
            sx={isStopping ? { ...ROUND, opacity: 0.45, "&:hover": { bgcolor: "primary.main" } } : ROUND}
          />
        )}
        {isSendShown && (
          <IconAction
            icon="send"
            label={stop ? t("composer.sendLater") : t("chat.send")}
            onClick={send}
            disabled={!canSend}
            sx={ROUND}
          />
        )}
      </Box>
    </Box>
  );
}
