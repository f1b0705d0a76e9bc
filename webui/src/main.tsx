/** The chat's entry. */
import { BrowserRouter } from "react-router";
import { prefetchChat } from "./api/chat-queries";
import { AppRoutes, preloaded } from "./app/routes";
import { start } from "./app/start";
import { BASE_PATH, placeOf } from "./lib/place";
import { openEarlyLine } from "./live/early-line";

await start(
  <BrowserRouter basename={BASE_PATH}>
    <AppRoutes />
  </BrowserRouter>,
  {
    code: preloaded,
    prefetch: (queries) => {
      const place = placeOf(location.pathname) ?? "/";
      prefetchChat(queries, place);
      openEarlyLine(place);
    },
  },
);
