import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export default defineConfig({
  root: at("../tests/e2e/page"),
  resolve: { alias: [{ find: /^(playwright-core|axe-core)$/, replacement: at("node_modules/$1") }] },
  test: { include: ["**/*.spec.ts"], environment: "node", fileParallelism: false, testTimeout: 60000 },
});
