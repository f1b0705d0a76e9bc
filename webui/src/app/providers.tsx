/** What everything in the page stands on: look, language, query cache, the place in the URL. */
import createCache from "@emotion/cache";
import { CacheProvider } from "@emotion/react";
import CssBaseline from "@mui/material/CssBaseline";
import { ThemeProvider } from "@mui/material/styles";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { keepPageAtDrops } from "@/lib/file-drops";
import type { Language } from "@/lib/i18n";
import { ErrorBoundary } from "./errors/error-boundary";
import { makeTheme } from "./theme";

interface Props {
  queryClient: QueryClient;
  children: ReactNode;
}

/** Styles may be written by whoever knows the number that the server put into the page (Content-Security-Policy). */
const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce;
const styles = createCache({ key: "bd", ...(nonce ? { nonce } : {}) });

export function Providers({ queryClient, children }: Props) {
  const { i18n } = useTranslation();
  useEffect(keepPageAtDrops, []);
  const theme = useMemo(() => makeTheme(i18n.language as Language), [i18n.language]);
  return (
    <CacheProvider value={styles}>
      <ThemeProvider theme={theme} defaultMode="system">
        <CssBaseline enableColorScheme />
        <ErrorBoundary>
          <QueryClientProvider client={queryClient}>{children}</QueryClientProvider>
        </ErrorBoundary>
      </ThemeProvider>
    </CacheProvider>
  );
}
