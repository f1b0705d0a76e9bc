/** The chat's entry. */
import { BrowserRouter } from "react-router";
import { AppRoutes, preloaded } from "./app/routes";
import { start } from "./app/start";

await start(
  <BrowserRouter>
    <AppRoutes />
  </BrowserRouter>,
  { code: preloaded },
);
