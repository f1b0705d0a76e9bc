/** Where documents speak of the words that were typed. A hit opens its page. */
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { hitsQuery } from "@/api/documents";
import { languageOf } from "@/lib/language";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { ofHit, type Shown } from "../viewer/shown";

interface Props {
  words: string;
  collectionId: string | undefined;
  open: (shown: Shown) => void;
}

export function DocumentHits({ words, collectionId, open }: Props) {
  const { t } = useTranslation();
  const found = useQuery(hitsQuery(words, collectionId));
  return (
    <Box component="section" aria-labelledby="document-hits" sx={{ mt: 4 }}>
      <Box component="h2" id="document-hits" sx={{ m: 0, mb: 1, fontSize: "1.05rem", fontWeight: 650 }}>
        {t("documents.hits")}
      </Box>
      {found.isError && <QueryProblem error={found.error} retry={() => found.refetch()} />}
      {found.isPending && <Loading />}
      {found.data && (
        <Box component="p" role="status" sx={{ m: 0, color: "text.secondary", fontSize: "0.88rem" }}>
          {found.data.hits.length === 0
            ? t("documents.noHits")
            : t(found.data.searched === "words" ? "documents.searchedWords" : "documents.searchedBoth")}
        </Box>
      )}
      <Box component="ul" aria-labelledby="document-hits" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {found.data?.hits.map((hit) => (
          <li key={hit.passage_id}>
            <ButtonBase
              onClick={() => open(ofHit(hit))}
              sx={{
                display: "block",
                width: "100%",
                px: 1,
                py: 1,
                borderRadius: 1,
                textAlign: "start",
                font: "inherit",
                "&:hover": { bgcolor: "action.hover" },
              }}
            >
              <Box component="span" sx={{ display: "block", fontWeight: 550, overflowWrap: "anywhere" }}>
                <bdi>{hit.document_name}</bdi>
                {" · "}
                {t("documents.pageOf", { number: hit.page })}
                {(hit.heading || hit.label) && <bdi> · {hit.heading || hit.label}</bdi>}
              </Box>
              <Box
                component="span"
                dir="auto"
                lang={languageOf(hit.text)}
                sx={{
                  display: "-webkit-box",
                  WebkitBoxOrient: "vertical",
                  WebkitLineClamp: 3,
                  overflow: "hidden",
                  fontSize: "0.9rem",
                  color: "text.secondary",
                }}
              >
                {hit.text}
              </Box>
            </ButtonBase>
          </li>
        ))}
      </Box>
    </Box>
  );
}
