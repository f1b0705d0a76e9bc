/** The administration's entry: a page of its own, so that the chat carries none of it. */
import { BrowserRouter } from "react-router";
import { ADMIN_WORDS, PAGE_WORDS } from "@/lib/i18n";
import { addressOf } from "@/lib/place";
import { AdminRoutes } from "./app/admin-routes";
import { start } from "./app/start";

await start(
  <BrowserRouter basename={addressOf("/admin")}>
    <AdminRoutes />
  </BrowserRouter>,
  { words: [PAGE_WORDS, ADMIN_WORDS] },
);
