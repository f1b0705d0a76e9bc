/** Documents whose names have the words that were typed, the newest first. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { documentsQuery } from "@/api/documents";
import type { CollectionView, DocumentView } from "@/api/types.gen";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { DocumentRow } from "./document-row";

interface Props {
  words: string;
  /** Absent: all that the reader may open. */
  collection: CollectionView | undefined;
  collections: readonly CollectionView[];
  open: (document: DocumentView) => void;
}

export function DocumentList({ words, collection, collections, open }: Props) {
  const { t } = useTranslation();
  const list = useInfiniteQuery(
    documentsQuery({
      ...(words ? { q: words } : {}),
      ...(collection ? { collection_id: collection.collection_id } : {}),
    }),
  );
  if (list.isError) return <QueryProblem error={list.error} retry={() => list.refetch()} />;
  if (list.isPending) return <Loading />;
  const documents = list.data.pages.flatMap((page) => page.data);
  if (documents.length === 0) {
    const text = words ? "documents.noneNamed" : collection ? "documents.noneInCollection" : "documents.none";
    return (
      <Typography color="textSecondary" sx={{ py: 3, textAlign: "center" }}>
        {t(text)}
      </Typography>
    );
  }
  return (
    <>
      <Box component="ul" aria-label={t("documents.title")} sx={{ m: 0, p: 0, listStyle: "none" }}>
        {documents.map((document) => (
          <DocumentRow
            key={document.document_id}
            document={document}
            collection={collection}
            collections={collections}
            open={() => open(document)}
          />
        ))}
      </Box>
      {list.hasNextPage && (
        <Button loading={list.isFetchingNextPage} onClick={() => list.fetchNextPage()}>
          {t("common.more")}
        </Button>
      )}
    </>
  );
}
