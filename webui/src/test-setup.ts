/** Runs before each test file. The page speaks English in tests, unless one says otherwise. */
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";
import { ADMIN_WORDS, makeI18n, PAGE_WORDS } from "@/lib/i18n";

configure({ asyncUtilTimeout: 60_000 }); // what comes at all comes within it; a machine may stand still for twenty seconds
// happy-dom has no doctype; KaTeX asks for one.
Object.defineProperty(document, "compatMode", { value: "CSS1Compat", configurable: true });
// Nor has it a layout: nothing is ever seen to change its size or come into sight, and everything is 800 px high.
class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}
Object.assign(globalThis, { ResizeObserver: Observer, IntersectionObserver: Observer });
Object.defineProperty(HTMLElement.prototype, "clientHeight", { value: 800, configurable: true });
await makeI18n("en", PAGE_WORDS, ADMIN_WORDS); // the instance that components find without a provider
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
