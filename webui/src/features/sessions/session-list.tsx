/** The list of chats. Only what is in sight is in the page; more is read when its end comes near. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useVirtualizer } from "@tanstack/react-virtual";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { useFolders } from "@/api/use-folders";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { ChoiceRow } from "./late-parts";
import { PlaceRow } from "./place-row";
import { all, NOTHING, type Selection, toggled } from "./selection";
import type { Place } from "./session-filter";
import { SessionRow } from "./session-row";
import { type Row, sessionRows } from "./session-rows";
import { useRoving } from "./use-roving";
import { useNewestShared, usePinnedSessions, useSessions } from "./use-sessions";

const BulkBar = lazy(() => import("./bulk-bar").then((module) => ({ default: module.BulkBar })));

const ROW_PX = 36;
const NEAR_END = 10;

interface Props {
  place: Place;
  choose: (place: Place) => void;
}

export function SessionList({ place, choose }: Props) {
  const { t } = useTranslation();
  const recent = useSessions(place);
  const pinned = usePinnedSessions(place);
  const shared = useNewestShared(place);
  const isActive = place.shelf === "active";
  const folders = useFolders(isActive);
  const [areFoldersOpen, setFoldersOpen] = useState(false);
  const { sessionId: shownId } = useParams();
  const [selection, setSelection] = useState<Selection | null>(null); // null: a click opens a chat
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => {
    const chats = {
      pinned: pinned.data ?? [],
      folders: (isActive && folders.data) || [],
      areFoldersOpen,
      shared: shared.data ?? [],
      recent: recent.data?.pages.flatMap((page) => page.data) ?? [],
    };
    return sessionRows(chats, Date.now());
  }, [pinned.data, folders.data, areFoldersOpen, shared.data, recent.data, isActive]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const { stop, handlers } = useRoving({
    list: scroller,
    reachable: rows.flatMap((row, index) => (isReachable(row, selection !== null) ? [index] : [])),
    mounted: items.map((item) => item.index),
    first: rows.findIndex((row) => row.kind === "session" && row.session.session_id === shownId),
    scrollTo: virtual.scrollToIndex,
  });
  const isNearEnd = (items.at(-1)?.index ?? 0) >= rows.length - NEAR_END;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = recent;
  useEffect(() => {
    if (isNearEnd && hasNextPage && !isFetchingNextPage) fetchNextPage();
  }, [isNearEnd, hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (recent.isError) return <QueryProblem error={recent.error} retry={() => recent.refetch()} />;
  // All at once: what came later would push the others down under a finger.
  if ([recent, pinned, shared, folders].some((query) => query.isLoading)) return <Loading />;
  if (rows.length === 0) {
    return (
      <Typography variant="body2" color="textSecondary" sx={{ flex: 1, p: 2 }}>
        {t(`sessions.empty.${place.shelf ?? "folder"}`)}
      </Typography>
    );
  }
  const own = rows.flatMap((row) => (row.kind === "session" && row.session.role === "owner" ? [row.session] : []));
  const chooseAll = async () => {
    let read = recent.data;
    for (let hasMore = hasNextPage; hasMore; ) {
      const next = await fetchNextPage();
      read = next.data ?? read;
      hasMore = next.hasNextPage && !next.isError;
    }
    const sessions = read?.pages.flatMap((each) => each.data) ?? [];
    setSelection(all([...(pinned.data ?? []), ...sessions].filter((session) => session.role === "owner")));
  };
  return (
    <>
      <Suspense>
        {selection && <BulkBar selection={selection} chooseAll={chooseAll} finish={() => setSelection(null)} />}
      </Suspense>
      <Box ref={scroller} sx={{ flex: 1, overflowY: "auto", minHeight: 0 }}>
        <Box
          component="ul"
          {...handlers}
          sx={{ position: "relative", height: virtual.getTotalSize(), m: 0, p: 0, listStyle: "none" }}
        >
          {items.map((item) => {
            const row = rows[item.index];
            return (
              <Box
                component="li"
                key={item.key}
                data-row={item.index}
                sx={{ position: "absolute", insetInline: 0, top: item.start, height: ROW_PX }}
              >
                {row?.kind === "heading" && (
                  <Typography
                    component="h2"
                    variant="caption"
                    color="textSecondary"
                    sx={{ display: "block", px: 2.25, pt: 1.75, fontWeight: 600 }}
                  >
                    {row.name === "folders"
                      ? t("folders.title")
                      : row.name === "shared"
                        ? t("sessions.shelves.shared")
                        : t(`sessions.age.${row.name}`)}
                  </Typography>
                )}
                {row?.kind === "session" && selection && (
                  <ChoiceRow.Part
                    session={row.session}
                    isChosen={selection.chosen.has(row.session.session_id)}
                    isTabStop={item.index === stop}
                    toggle={(isRange) => setSelection(toggled(selection, row.session, own, isRange))}
                  />
                )}
                {row?.kind === "session" && !selection && (
                  <SessionRow
                    session={row.session}
                    isTabStop={item.index === stop}
                    choose={() => setSelection(toggled(NOTHING, row.session, own, false))}
                  />
                )}
                {row?.kind === "folder" && !selection && (
                  <PlaceRow
                    icon="folder"
                    name={row.folder.name}
                    count={row.folder.num_sessions}
                    isTabStop={item.index === stop}
                    open={() => choose({ folder: row.folder.name })}
                  />
                )}
                {row?.kind === "more" && !selection && (
                  <PlaceRow
                    icon={row.of === "folders" ? "down" : "right"}
                    name={t(row.of === "folders" ? "sessions.allFolders" : "sessions.allShared")}
                    isTabStop={item.index === stop}
                    open={() => (row.of === "folders" ? setFoldersOpen(true) : choose({ shelf: "shared" }))}
                  />
                )}
              </Box>
            );
          })}
        </Box>
      </Box>
    </>
  );
}

/** While chats are chosen, other people's and folders cannot be. */
function isReachable(row: Row, isChoosing: boolean): boolean {
  if (row.kind === "session") return !isChoosing || row.session.role === "owner";
  return row.kind !== "heading" && !isChoosing;
}
