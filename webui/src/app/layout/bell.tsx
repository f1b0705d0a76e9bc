/** How many news there are, and the list of them. */
import Box from "@mui/material/Box";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconAction } from "@/ui/icon-action";
import { NewsDot } from "./news-dot";
import { useNewsList } from "./news-state";

const NewsMenu = lazy(() => import("./news-menu").then((module) => ({ default: module.NewsMenu })));

export function Bell() {
  const { t } = useTranslation();
  const { numUnread, markRead } = useNewsList();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <Box sx={{ position: "relative", ml: "auto" }}>
      <IconAction
        icon="bell"
        label={numUnread > 0 ? t("news.unread", { count: numUnread }) : t("news.title")}
        aria-haspopup="menu"
        onClick={(event) => {
          setAnchor(event.currentTarget);
          markRead();
        }}
      />
      {numUnread > 0 && <NewsDot />}
      <Suspense>{anchor && <NewsMenu anchor={anchor} close={() => setAnchor(null)} />}</Suspense>
    </Box>
  );
}
