/** The chat's entry: providers only. */
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { makeQueryClient } from "./api/query-client";
import { Providers } from "./app/providers";
import { AppRoutes } from "./app/routes";
import { makeI18n, preferredLanguage } from "./lib/i18n";

const root = document.getElementById("root");
if (root) {
  await makeI18n(preferredLanguage());
  createRoot(root).render(
    <Providers queryClient={makeQueryClient()}>
      <BrowserRouter>
        <AppRoutes />
      </BrowserRouter>
    </Providers>,
  );
}
