/** Below an answer: what it cites, then what was looked at for it too. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import ButtonBase from "@mui/material/ButtonBase";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { CitationView, SourceView } from "@/api/types.gen";
import { sourcesOf } from "./sources-of";

interface Props {
  sources: readonly SourceView[];
  citations: readonly CitationView[];
  open: (opened: { source: SourceView; citation: CitationView | undefined }) => void;
}

export function SourceList({ sources, citations, open }: Props) {
  const { t } = useTranslation();
  const [isOpen, setOpen] = useState(false);
  const { cited, others } = sourcesOf(sources, citations);
  if (cited.length + others.length === 0) return null;
  const firstOf = (number: number) => citations.find((each) => each.number === number);
  return (
    <Box component="section" aria-label={t("documents.sources")} sx={{ mt: 1 }}>
      {cited.length > 0 && (
        <Rows title={t("documents.cited")}>
          {cited.map((source) => (
            <Row key={source.number} source={source} open={() => open({ source, citation: firstOf(source.number) })} />
          ))}
        </Rows>
      )}
      {others.length > 0 && (
        <>
          <Button
            size="small"
            color="inherit"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
            sx={{ ml: -0.75, color: "text.secondary" }}
          >
            {t("documents.alsoLookedAt", { count: others.length })}
          </Button>
          {isOpen && (
            <Rows title={t("documents.alsoLookedAt", { count: others.length })} isTitleHidden>
              {others.map((source) => (
                <Row key={source.number} source={source} open={() => open({ source, citation: undefined })} />
              ))}
            </Rows>
          )}
        </>
      )}
    </Box>
  );
}

function Rows({
  title,
  isTitleHidden = false,
  children,
}: {
  title: string;
  isTitleHidden?: boolean;
  children: ReactNode;
}) {
  return (
    <>
      <Box
        component="h3"
        className={isTitleHidden ? "visually-hidden" : undefined}
        sx={{ m: 0, fontSize: "0.82rem", fontWeight: 650, color: "text.secondary" }}
      >
        {title}
      </Box>
      <Box component="ol" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {children}
      </Box>
    </>
  );
}

function Row({ source, open }: { source: SourceView; open: () => void }) {
  const { t } = useTranslation();
  const { number, document_name: name, page, label, heading, is_there: isThere } = source;
  const place = [t("documents.pageOf", { number: page }), heading || label, !isThere && t("documents.goneShort")];
  return (
    <li>
      <ButtonBase
        onClick={open}
        sx={{
          display: "flex",
          justifyContent: "flex-start",
          gap: 1,
          maxWidth: "100%",
          minHeight: 32,
          "@media (pointer: coarse)": { minHeight: 40 },
          px: 0.75,
          ml: -0.75,
          borderRadius: 1,
          font: "inherit",
          fontSize: "0.88rem",
          textAlign: "start",
          "&:hover": { bgcolor: "action.hover" },
        }}
      >
        <Box component="span" sx={{ fontWeight: 650, color: "primary.main", minWidth: "1.4em" }}>
          {number}
        </Box>
        <Box component="bdi" className="ellipsis" sx={{ flexShrink: 1, minWidth: "4em" }}>
          {name}
        </Box>
        <Box component="span" className="ellipsis" sx={{ flexShrink: 2, minWidth: 0, color: "text.secondary" }}>
          {place.filter(Boolean).join(" · ")}
        </Box>
      </ButtonBase>
    </li>
  );
}
