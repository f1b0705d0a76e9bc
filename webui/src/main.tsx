/** The chat's entry. */
import { BrowserRouter } from "react-router";
import { prefetchChat } from "./api/chat-queries";
import { AppRoutes, preloaded } from "./app/routes";
import { start } from "./app/start";
import { openEarlyLine } from "./live/early-line";

await start(
  <BrowserRouter>
    <AppRoutes />
  </BrowserRouter>,
  {
    code: preloaded,
    prefetch: (queries) => {
      prefetchChat(queries, location.pathname);
      openEarlyLine(location.pathname);
    },
  },
);
