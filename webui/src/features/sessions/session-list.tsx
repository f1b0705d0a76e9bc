/** The list of chats. Only what is in sight is in the page; more is read when its end comes near. */
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useVirtualizer } from "@tanstack/react-virtual";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Loading } from "@/ui/loading";
import { QueryProblem } from "@/ui/query-problem";
import { ChoiceRow } from "./choice-row";
import { all, NOTHING, type Selection, toggled } from "./selection";
import type { Place } from "./session-filter";
import { SessionRow } from "./session-row";
import { sessionRows } from "./session-rows";
import { usePinnedSessions, useSessions } from "./use-sessions";

const BulkBar = lazy(() => import("./bulk-bar").then((module) => ({ default: module.BulkBar })));

const ROW_PX = 36;
const NEAR_END = 10;

interface Props {
  place: Place;
}

export function SessionList({ place }: Props) {
  const { t } = useTranslation();
  const recent = useSessions(place);
  const pinned = usePinnedSessions(place);
  const [selection, setSelection] = useState<Selection | null>(null); // null: a click opens a chat
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useMemo(
    () => sessionRows(pinned.data ?? [], recent.data?.pages.flatMap((page) => page.data) ?? [], Date.now()),
    [pinned.data, recent.data],
  );
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const isNearEnd = (items.at(-1)?.index ?? 0) >= rows.length - NEAR_END;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = recent;
  useEffect(() => {
    if (isNearEnd && hasNextPage && !isFetchingNextPage) fetchNextPage();
  }, [isNearEnd, hasNextPage, isFetchingNextPage, fetchNextPage]);
  if (recent.isError) return <QueryProblem error={recent.error} retry={() => recent.refetch()} />;
  // Both at once: pinned ones that came later would push the others down under a finger.
  if (recent.isPending || pinned.isPending) return <Loading />;
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
          sx={{ position: "relative", height: virtual.getTotalSize(), m: 0, p: 0, listStyle: "none" }}
        >
          {items.map((item) => {
            const row = rows[item.index];
            return (
              <Box
                component="li"
                key={item.key}
                sx={{ position: "absolute", insetInline: 0, top: item.start, height: ROW_PX }}
              >
                {row?.kind === "heading" && (
                  <Typography
                    component="h2"
                    variant="caption"
                    color="textSecondary"
                    sx={{ display: "block", px: 2.25, pt: 1.75, fontWeight: 600 }}
                  >
                    {t(`sessions.age.${row.name}`)}
                  </Typography>
                )}
                {row?.kind === "session" && selection && (
                  <ChoiceRow
                    session={row.session}
                    isChosen={selection.chosen.has(row.session.session_id)}
                    toggle={(isRange) => setSelection(toggled(selection, row.session, own, isRange))}
                  />
                )}
                {row?.kind === "session" && !selection && (
                  <SessionRow
                    session={row.session}
                    choose={() => setSelection(toggled(NOTHING, row.session, own, false))}
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
