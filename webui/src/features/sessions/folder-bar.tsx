/** Over the list while it shows one folder: its name, a new name for it, taking all chats out of it. */
import Box from "@mui/material/Box";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import type { SessionView } from "@/api/types.gen";
import { IconAction } from "@/ui/icon-action";
import { NameField } from "@/ui/name-field";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";
import type { Place } from "./session-filter";
import { useBulkActions } from "./use-bulk-actions";

const PAGE = 100;

interface Props {
  folder: string;
  choose: (place: Place) => void;
}

export function FolderBar({ folder, choose }: Props) {
  const { t } = useTranslation();
  const { file } = useBulkActions();
  const { show } = useNotices();
  const textOf = useErrorText();
  const [isRenaming, setRenaming] = useState(false);
  const moveAll = async (to: string) => {
    try {
      if (await file(await allIn(folder), to)) choose(to ? { folder: to } : { shelf: "active" });
    } catch (error) {
      show({ text: textOf(error) });
    }
  };
  if (isRenaming) {
    const finish = (value: string | null) => {
      setRenaming(false);
      const name = value?.normalize("NFC").trim();
      if (name && name !== folder) moveAll(name);
    };
    return <NameField title={folder} label={t("folders.name")} finish={finish} />;
  }
  return (
    <Box sx={{ display: "flex", alignItems: "center", pl: 2.25, pr: 1.5, fontWeight: 600, fontSize: "0.9rem" }}>
      <Box component="h2" className="ellipsis" dir="auto" title={folder} sx={{ flex: 1, m: 0, fontSize: "inherit" }}>
        {folder}
      </Box>
      <IconAction icon="edit" iconSize={17} label={t("folders.rename")} onClick={() => setRenaming(true)} />
      <IconAction icon="leave" iconSize={17} label={t("folders.empty")} onClick={() => moveAll("")} />
      <IconAction
        icon="close"
        autoFocus
        iconSize={17}
        label={t("folders.close")}
        onClick={() => choose({ shelf: "active" })}
      />
    </Box>
  );
}

async function allIn(folder: string): Promise<SessionView[]> {
  const found: SessionView[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: { folder: string; limit: number; cursor?: string } = { folder, limit: PAGE };
    if (cursor) query.cursor = cursor;
    const page = await call("GET /api/sessions", { query });
    found.push(...page.data);
    cursor = page.next_cursor;
  }
  return found.filter((session) => session.role === "owner");
}
