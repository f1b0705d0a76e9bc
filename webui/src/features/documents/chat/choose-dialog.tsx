/** Which of the reader's documents and collections a chat has. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import FormControlLabel from "@mui/material/FormControlLabel";
import Typography from "@mui/material/Typography";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { collectionsQuery, documentsQuery, type HeldIds } from "@/api/documents";
import type { CollectionView, DocumentView } from "@/api/types.gen";
import { useSettled } from "@/lib/use-settled";
import { Loading } from "@/ui/loading";
import { plainField } from "@/ui/plain-field";
import { QueryProblem } from "@/ui/query-problem";
import { useStateText } from "../document-state";
import { withCollection, withDocument, withoutCollection, withoutDocument } from "./places";

const TYPING_MS = 250;

interface Props {
  /** Those that it has. */
  documents: readonly DocumentView[];
  collections: readonly CollectionView[];
  change: (of: (before: HeldIds) => HeldIds) => void;
  close: () => void;
}

export function ChooseDialog({ documents, collections, change, close }: Props) {
  const { t } = useTranslation();
  const titleId = useId();
  const stateOf = useStateText();
  const [typed, setTyped] = useState("");
  const words = useSettled(typed.normalize("NFC").trim(), TYPING_MS);
  const list = useInfiniteQuery(documentsQuery(words ? { q: words } : {}));
  const all = useQuery(collectionsQuery);
  const found = list.data?.pages.flatMap((page) => page.data) ?? [];
  const shownCollections = all.data?.filter(({ name }) => name.toLowerCase().includes(words.toLowerCase())) ?? [];
  return (
    <Dialog open onClose={close} fullWidth maxWidth="sm" aria-labelledby={titleId}>
      <DialogTitle id={titleId}>{t("documents.chooseTitle")}</DialogTitle>
      <DialogContent>
        <Box
          component="input"
          type="search"
          dir="auto"
          value={typed}
          maxLength={200}
          onChange={(event) => setTyped(event.target.value)}
          placeholder={t("documents.searchNames")}
          aria-label={t("documents.searchNames")}
          sx={{ ...plainField, height: 40, mb: 1 }}
        />
        {list.isError && <QueryProblem error={list.error} retry={() => list.refetch()} />}
        {list.isPending && <Loading />}
        {list.isSuccess && found.length + shownCollections.length === 0 && (
          <Typography color="textSecondary">{t(words ? "documents.noneNamed" : "documents.none")}</Typography>
        )}
        {shownCollections.map(({ collection_id: id, name, num_documents: count }) => {
          const isIn = collections.some((each) => each.collection_id === id);
          return (
            <Choice
              key={id}
              name={name}
              note={t("documents.collectionOf", { count })}
              isIn={isIn}
              turn={() => change(isIn ? withoutCollection(id) : withCollection(id))}
            />
          );
        })}
        {found.map((document) => {
          const { document_id: id, name } = document;
          const isIn = documents.some((each) => each.document_id === id);
          return (
            <Choice
              key={id}
              name={name}
              note={stateOf(document, true)}
              isIn={isIn}
              turn={() => change(isIn ? withoutDocument(id) : withDocument(id))}
            />
          );
        })}
        {list.hasNextPage && (
          <Button loading={list.isFetchingNextPage} onClick={() => list.fetchNextPage()}>
            {t("common.more")}
          </Button>
        )}
      </DialogContent>
      <DialogActions>
        <Button onClick={close}>{t("common.close")}</Button>
      </DialogActions>
    </Dialog>
  );
}

interface ChoiceProps {
  name: string;
  note: string;
  isIn: boolean;
  turn: () => void;
}

function Choice({ name, note, isIn, turn }: ChoiceProps) {
  return (
    <FormControlLabel
      sx={{ display: "flex", mr: 0, "& .MuiFormControlLabel-label": { minWidth: 0 } }}
      control={<Checkbox checked={isIn} onChange={turn} />}
      label={
        <Box component="span" sx={{ display: "flex", gap: 1, alignItems: "baseline" }}>
          <bdi className="ellipsis">{name}</bdi>
          <Box component="span" sx={{ color: "text.secondary", fontSize: "0.85rem", whiteSpace: "nowrap" }}>
            {note}
          </Box>
        </Box>
      }
    />
  );
}
