/** The reader's documents and collections: to be brought here, looked through, opened. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { heardDocument, heardDocumentGone } from "@/api/document-news";
import { collectionsQuery, fileDocument } from "@/api/documents";
import { takeDrops } from "@/lib/file-drops";
import { useSettled } from "@/lib/use-settled";
import { Icon } from "@/ui/icon";
import { plainField } from "@/ui/plain-field";
import { UploadList } from "../upload-list";
import { useUploads } from "../uploads";
import type { Shown } from "../viewer/shown";
import { Viewer } from "../viewer/viewer";
import { CollectionBar } from "./collection-bar";
import { CollectionHead } from "./collection-head";
import { DocumentHits } from "./document-hits";
import { DocumentList } from "./document-list";

const PLACE = "documents";
const TYPING_MS = 250;

export function DocumentsPage() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState("");
  const [collectionId, setCollectionId] = useState<string | undefined>();
  const [shown, setShown] = useState<Shown | null>(null);
  const [isOver, setOver] = useState(false);
  const words = useSettled(typed.normalize("NFC").trim(), TYPING_MS);
  const collections = useQuery(collectionsQuery);
  const collection = collections.data?.find((each) => each.collection_id === collectionId);
  const mayAdd = collection?.role !== "reader";
  const { begin } = useUploads();
  const upload = (files: readonly File[]) =>
    begin(files, PLACE, async (document) => {
      heardDocument(queries, document);
      if (!collectionId) return;
      await fileDocument(document.document_id, collectionId, true);
      heardDocumentGone(queries);
    });
  const drop = useEffectEvent((files: readonly File[]) => mayAdd && upload(files));
  useEffect(() => takeDrops((files) => drop(files), setOver), []);
  useEffect(() => {
    document.title = `${t("documents.title")} · bdchat`;
    return () => {
      document.title = "bdchat";
    };
  }, [t]);
  return (
    <Box sx={{ display: "flex", height: "100%" }}>
      <Box
        sx={{
          flex: 1,
          minWidth: 0,
          height: "100%",
          overflowY: "auto",
          outline: isOver && mayAdd ? "2px dashed" : 0,
          outlineColor: "primary.main",
          outlineOffset: -6,
        }}
      >
        <Box sx={{ maxWidth: 860, mx: "auto", px: { xs: 2, sm: 4 }, pt: { xs: 7, sm: 6 }, pb: 6 }}>
          <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, alignItems: "center", mb: 2 }}>
            <Typography variant="h1" sx={{ flex: 1 }}>
              {t("documents.title")}
            </Typography>
            {mayAdd && (
              <Button
                variant="contained"
                startIcon={<Icon name="plus" size={18} />}
                onClick={() => input.current?.click()}
              >
                {t("documents.upload")}
              </Button>
            )}
            <input
              ref={input}
              type="file"
              multiple
              hidden
              aria-label={t("documents.upload")}
              onChange={({ target }) => {
                upload([...(target.files ?? [])]);
                target.value = ""; // the same file may be chosen again
              }}
            />
          </Box>
          <Typography color="textSecondary" sx={{ mb: 2.5 }}>
            {t("documents.text")}
          </Typography>
          <CollectionBar
            collections={collections.data ?? []}
            chosenId={collection?.collection_id}
            choose={setCollectionId}
          />
          {collection && <CollectionHead collection={collection} leave={() => setCollectionId(undefined)} />}
          <Box
            component="input"
            type="search"
            dir="auto"
            value={typed}
            maxLength={200}
            onChange={(event) => setTyped(event.target.value)}
            onKeyDown={(event) => event.key === "Escape" && setTyped("")}
            placeholder={t("documents.search")}
            aria-label={t("documents.search")}
            sx={{ ...plainField, height: 42, mt: 2, mb: 1 }}
          />
          <UploadList place={PLACE} />
          <DocumentList
            words={words}
            collection={collection}
            collections={collections.data ?? []}
            open={(document) =>
              setShown({
                documentId: document.document_id,
                name: document.name,
                page: 1,
                span: null,
                text: "",
                isThere: true,
              })
            }
          />
          {words && <DocumentHits words={words} collectionId={collection?.collection_id} open={setShown} />}
        </Box>
      </Box>
      {shown && <Viewer shown={shown} close={() => setShown(null)} />}
    </Box>
  );
}
