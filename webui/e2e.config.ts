/** Runs tests/e2e/page: the built page in a real browser against a real server. Their packages are this folder's. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const specs = at("../tests/e2e/page");

export default defineConfig({
  root: specs,
  cacheDir: at("node_modules/.vite-e2e"),
  resolve: {
    alias: [
      { find: /^(playwright-core|axe-core)$/, replacement: at("node_modules/$1") },
      { find: "@", replacement: at("src") },
    ],
  },
  test: {
    environment: "node",
    include: [process.env.BDCHAT_FIGURES ? "measure/*.measure.ts" : "*.spec.ts"],
    fileParallelism: false, // two cores: a second browser would only make both slow
    testTimeout: 300_000, // longer than what a test waits for: that says what did not come
    hookTimeout: 180_000, // a model is loaded
    expect: { poll: { timeout: 60_000 } },
    reporters: ["verbose"],
  },
});
