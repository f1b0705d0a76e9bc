/** The reader's chats: a new one, a search over all of them, the list. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { withPageWords } from "@/lib/i18n";
import { useSettled } from "@/lib/use-settled";
import { Icon } from "@/ui/icon";
import { whenIdle } from "@/ui/late-part";
import { Loading } from "@/ui/loading";
import { plainField } from "@/ui/plain-field";
import { preloadParts } from "./late-parts";
import type { Place } from "./session-filter";
import { SessionList } from "./session-list";
import { ShelfPicker } from "./shelf-picker";
import { useInvitations } from "./use-invitations";

const InvitationList = lazy(() => import("./invitation-list").then((module) => ({ default: module.InvitationList })));
const ShelfBar = lazy(() => import("./shelf-bar").then((module) => ({ default: module.ShelfBar })));
const FolderBar = lazy(() => import("./folder-bar").then((module) => ({ default: module.FolderBar })));

const SearchResults = lazy(() =>
  withPageWords(import("./search/search-results")).then((module) => ({ default: module.SearchResults })),
);

const TYPING_MS = 200;

interface Props {
  footer: ReactNode;
}

export function SessionSidebar({ footer }: Props) {
  const { t } = useTranslation();
  useEffect(() => whenIdle(preloadParts), []);
  const invitations = useInvitations().data?.data ?? [];
  const [place, setPlace] = useState<Place>({ shelf: "active" });
  const [typed, setTyped] = useState("");
  const words = useSettled(typed.normalize("NFC").trim(), TYPING_MS); // macOS sends Hangul in pieces
  return (
    <>
      <Box sx={{ display: "flex", flexDirection: "column", gap: 1, px: 1.5, pb: 1 }}>
        <Button component={Link} to="/" variant="outlined" startIcon={<Icon name="plus" size={18} />}>
          {t("sessions.new")}
        </Button>
        <Button
          component={Link}
          to="/documents"
          color="inherit"
          startIcon={<Icon name="file" size={18} />}
          sx={{ justifyContent: "flex-start" }}
        >
          {t("sessions.documents")}
        </Button>
        <Box sx={{ display: "flex", alignItems: "center", gap: 0.5 }}>
          <Box sx={{ flex: 1, position: "relative", "& svg": { position: "absolute", top: 9, insetInlineStart: 10 } }}>
            <Icon name="search" size={17} />
            <Box
              component="input"
              type="search"
              dir="auto"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              onKeyDown={(event) => event.key === "Escape" && setTyped("")}
              placeholder={t("sessions.search")}
              aria-label={t("sessions.search")}
              sx={{ ...plainField, height: 36, pl: 4.5 }}
            />
          </Box>
          <ShelfPicker place={place} choose={setPlace} />
        </Box>
      </Box>
      {typed.trim() && words ? (
        <Suspense fallback={<Loading />}>
          <SearchResults typed={words} />
        </Suspense>
      ) : (
        <>
          <Suspense>
            {invitations.length > 0 && <InvitationList invitations={invitations} />}
            {place.folder && <FolderBar key={place.folder} folder={place.folder} choose={setPlace} />}
            {place.shelf && place.shelf !== "active" && <ShelfBar shelf={place.shelf} choose={setPlace} />}
          </Suspense>
          <SessionList key={place.shelf ?? `folder ${place.folder}`} place={place} choose={setPlace} />
        </>
      )}
      {footer}
    </>
  );
}
