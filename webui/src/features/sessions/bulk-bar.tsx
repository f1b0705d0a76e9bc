/** Over the list while chats are chosen: how many, and what to do with them. */
import Box from "@mui/material/Box";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import type { Selection } from "./selection";
import { useBulkActions } from "./use-bulk-actions";

const FolderDialog = lazy(() => import("./folder-dialog").then((module) => ({ default: module.FolderDialog })));

interface Props {
  selection: Selection;
  chooseAll: () => void;
  finish: () => void;
}

export function BulkBar({ selection, chooseAll, finish }: Props) {
  const { t } = useTranslation();
  const { archive, remove } = useBulkActions();
  const [isFiling, setFiling] = useState(false);
  const sessions = [...selection.chosen.values()];
  const isNone = sessions.length === 0;
  const areArchived = !isNone && sessions.every((session) => session.is_archived);
  const after = async (done: Promise<boolean>) => {
    if (await done) finish();
  };
  return (
    <Box
      role="toolbar"
      aria-label={t("bulk.title")}
      onKeyDown={(event) => event.key === "Escape" && !isFiling && finish()}
      sx={{ display: "flex", alignItems: "center", px: 1.5, pb: 0.5 }}
    >
      <Box role="status" sx={{ flex: 1, pl: 0.75, fontSize: "0.88rem", whiteSpace: "nowrap" }}>
        {t("bulk.chosen", { count: sessions.length })}
      </Box>
      <IconAction icon="select" label={t("bulk.all")} onClick={chooseAll} autoFocus />
      <IconAction icon="folder" label={t("folders.move")} disabled={isNone} onClick={() => setFiling(true)} />
      <IconAction
        icon="archive"
        label={areArchived ? t("sessions.unarchive") : t("sessions.archive")}
        disabled={isNone}
        onClick={() => after(archive(sessions, !areArchived))}
      />
      <IconAction icon="trash" label={t("sessions.delete")} disabled={isNone} onClick={() => after(remove(sessions))} />
      <IconAction icon="close" label={t("bulk.finish")} onClick={finish} />
      <Suspense>
        {isFiling && <FolderDialog sessions={sessions} close={() => setFiling(false)} done={finish} />}
      </Suspense>
    </Box>
  );
}
