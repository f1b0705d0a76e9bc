/** ‹ 2/3 › between the ways a conversation went on from one place. */
import Box from "@mui/material/Box";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { PathMessageView } from "@/api/types.gen";
import { IconAction } from "@/ui/icon-action";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import { useReader } from "../people/reader";

interface Props {
  message: PathMessageView;
}

export function BranchPicker({ message }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const { sibling_ids: siblings, sibling_index: index, num_elsewhere: count, session_id: sessionId } = message;
  const { mayWrite } = useReader();
  if (siblings.length < 2 || !mayWrite) return null; // which branch is shown is the same for all
  const go = async (to: string | undefined) => {
    if (!to) return;
    try {
      await call("POST /api/sessions/{session_id}/head", { path: { session_id: sessionId }, body: { message_id: to } });
      await queries.invalidateQueries({ queryKey: keys.messages(sessionId) });
    } catch (error) {
      show({ text: textOf(error) });
    }
  };
  return (
    <Box
      role="group"
      aria-label={t("chat.branches")}
      sx={{ display: "flex", alignItems: "center", fontSize: "0.82rem", color: "text.secondary" }}
    >
      <IconAction
        icon="left"
        iconSize={16}
        label={t("chat.branchBefore")}
        disabled={index === 0}
        onClick={() => go(siblings[index - 1])}
      />
      <span>
        {index + 1}/{siblings.length}
      </span>
      <IconAction
        icon="right"
        iconSize={16}
        label={t("chat.branchAfter")}
        disabled={index === siblings.length - 1}
        onClick={() => go(siblings[index + 1])}
      />
      <Box component="span" sx={{ mx: 0.75 }}>
        {t("chat.elsewhere", { count })}
      </Box>
    </Box>
  );
}
