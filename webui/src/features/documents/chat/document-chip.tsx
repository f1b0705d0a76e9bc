/** A document or a collection of a chat: its name, how far it is, and the way to take it away. */
import Box from "@mui/material/Box";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { CollectionView, DocumentView } from "@/api/types.gen";
import { Icon } from "@/ui/icon";
import { IconAction } from "@/ui/icon-action";
import type { IconName } from "@/ui/icon-paths";
import { useReasonText, useStateText } from "../document-state";
import { useDocumentActions } from "../use-document-actions";

interface DocumentChipProps {
  document: DocumentView;
  /** How the next message has it: whole, or what fits the question; absent: it is not known. */
  use: "whole" | "passages" | undefined;
  remove: () => void;
}

export function DocumentChip({ document, use, remove }: DocumentChipProps) {
  const { t } = useTranslation();
  const stateOf = useStateText();
  const reasonOf = useReasonText();
  const { act } = useDocumentActions();
  const { name, status } = document;
  const hasFailed = status === "failed";
  const state = use && status === "ready" ? t(`documents.uses.${use}`) : stateOf(document, true);
  return (
    <Chip icon={hasFailed ? "warning" : "file"} name={name} state={state} hasFailed={hasFailed} remove={remove}>
      {hasFailed && (
        <>
          <Box component="span" sx={{ flexBasis: "100%", color: "error.main", overflowWrap: "anywhere" }}>
            {reasonOf(document.error?.code ?? "")}
          </Box>
          {document.is_own && (
            <IconAction
              icon="retry"
              iconSize={16}
              label={t("documents.retry", { name })}
              onClick={() => act(document, "retry")}
            />
          )}
        </>
      )}
    </Chip>
  );
}

interface CollectionChipProps {
  collection: CollectionView;
  remove: () => void;
}

export function CollectionChip({ collection, remove }: CollectionChipProps) {
  const { t } = useTranslation();
  const { name, num_documents: count } = collection;
  return <Chip icon="folder" name={name} state={t("documents.numDocuments", { count })} remove={remove} />;
}

interface ChipProps {
  icon: IconName;
  name: string;
  state: string;
  hasFailed?: boolean;
  remove: () => void;
  children?: ReactNode;
}

function Chip({ icon, name, state, hasFailed = false, remove, children }: ChipProps) {
  const { t } = useTranslation();
  return (
    <Box
      component="li"
      sx={{
        display: "flex",
        flexWrap: hasFailed ? "wrap" : "nowrap",
        alignItems: "center",
        minWidth: 0,
        maxWidth: "100%",
        columnGap: 0.75,
        pl: 1.25,
        border: 1,
        borderColor: hasFailed ? "error.main" : "divider",
        borderRadius: hasFailed ? "12px" : 99,
        fontSize: "0.85rem",
      }}
    >
      <Icon name={icon} size={16} />
      <Box component="bdi" className="ellipsis" title={name} sx={{ minWidth: 0, flex: "0 1 auto" }}>
        {name}
      </Box>
      <Box component="span" sx={{ color: "text.secondary", whiteSpace: "nowrap", fontSize: "0.8rem" }}>
        {state}
      </Box>
      <IconAction icon="close" iconSize={14} label={t("documents.removeFromChat", { name })} onClick={remove} />
      {children}
    </Box>
  );
}
