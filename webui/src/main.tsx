/** The chat's entry. */
import { BrowserRouter } from "react-router";
import { AppRoutes } from "./app/routes";
import { start } from "./app/start";

await start(
  <BrowserRouter>
    <AppRoutes />
  </BrowserRouter>,
);
