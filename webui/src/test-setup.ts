/** Runs before each test file. The page speaks English in tests, unless one says otherwise. */
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";
import { ADMIN_WORDS, makeI18n } from "@/lib/i18n";

// happy-dom has no doctype; KaTeX asks for one.
Object.defineProperty(document, "compatMode", { value: "CSS1Compat", configurable: true });
await makeI18n("en", ADMIN_WORDS); // the instance that components find without a provider
afterEach(cleanup);
