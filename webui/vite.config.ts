/** How the page is built and tested. `npm run build` writes dist/; bdchat serves it from memory (src/bdchat/api/http/page.py). */
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { type Budget, budgets } from "./budget.ts";
import { chunkNames } from "./chunks.ts";
import { withPdfFiles } from "./pdf-files.ts";

/** KaTeX's style sheet names each font in three formats; every browser that runs this page reads the first. */
function onlyWoff2(): Plugin {
  return {
    name: "only-woff2",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("katex") || !id.split("?")[0]?.endsWith(".css")) return null;
      return code.replace(/,\s*url\([^)]*\)\s*format\("(?:woff|truetype)"\)/g, "");
    },
  };
}

/** MUI's buttons bring the code of their ripple, 3 kB, also where the theme has turned it off (src/app/theme.ts). */
function withoutRipple(): Plugin {
  const NOTHING = "\0no-ripple";
  return {
    name: "without-ripple",
    enforce: "pre",
    resolveId: (source, importer) =>
      source === "./TouchRipple.mjs" && importer?.includes("/ButtonBase/") ? NOTHING : null,
    load: (id) => (id === NOTHING ? "export default () => null;" : null),
  };
}

/** The chat with its page and the larger of its languages; all that the administration adds to what both have. */
const BUDGETS: Budget[] = [
  {
    name: "chat",
    sources: ["/src/main.tsx", "/app/signed-in.tsx", "/app/chat-place.tsx", "/locales/ko.json"],
    maxKB: 250,
  },
  {
    name: "administration",
    sources: [
      "/src/admin.tsx",
      ...["models", "engine", "users", "usage", "audit", "storage"].map((name) => `/admin/${name}/${name}-page.tsx`),
      "/admin/access/keys-page.tsx",
      "/locales/admin.ko.json",
    ],
    without: ["/src/main.tsx"],
    maxKB: 200,
  },
];

export default defineConfig({
  plugins: [react(), withoutRipple(), onlyWoff2(), withPdfFiles(), budgets(BUDGETS)],
  resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
  base: "./", // page.py puts server.base_path in its place
  html: { cspNonce: "BDCHAT-CSP-NONCE" }, // page.py puts a fresh one in its place
  build: {
    target: ["chrome120", "firefox121", "safari17"],
    sourcemap: false,
    assetsInlineLimit: 0, // a font or image in a data: URL would need a wider Content-Security-Policy
    rolldownOptions: {
      input: ["index.html", "admin.html"],
      output: { codeSplitting: { groups: [{ name: chunkNames(), includeDependenciesRecursively: false }] } },
    },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600, // budget.ts says what may be loaded
  },
  server: {
    proxy: {
      "/v1": "http://127.0.0.1:8000",
      "/api": "http://127.0.0.1:8000",
      "/ws": { target: "ws://127.0.0.1:8000", ws: true },
    },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test-setup.ts"],
    pool: "threads",
    isolate: false,
    restoreMocks: true,
    testTimeout: 180_000, // longer than what a test waits for (src/test-setup.ts): that says what did not come
    hookTimeout: 180_000,
  },
});
