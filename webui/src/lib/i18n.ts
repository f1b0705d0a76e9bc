/** The page's languages. A language is loaded when it is wanted; both have the same keys (locales.test.ts). */
import { createInstance, type i18n as I18n } from "i18next";
import { initReactI18next } from "react-i18next";
import { withParticles } from "@/lib/korean";
import { BASE_PATH } from "@/lib/place";

export const LANGUAGES = ["ko", "en"] as const;
export type Language = (typeof LANGUAGES)[number];
/** As their speakers name them. */
export const LANGUAGE_NAMES: Record<Language, string> = { ko: "한국어", en: "English" };

const STORED_AS = "bdchat.language";
const TOLD_AS = "bdchat-language"; // page.py
/** Where a page's words come from, by language. */
export type Words = Record<Language, () => Promise<{ default: object }>>;

const WORDS: Words = {
  ko: () => import("@/locales/ko.json"),
  en: () => import("@/locales/en.json"),
};
/** Of what is seldom opened: they come with its code (`withPageWords`), so that the chat is there sooner. */
export const PAGE_WORDS: Words = {
  ko: () => import("@/locales/pages.ko.json"),
  en: () => import("@/locales/pages.en.json"),
};
/** Of the administration alone: the chat does not load them. */
export const ADMIN_WORDS: Words = {
  ko: () => import("@/locales/admin.ko.json"),
  en: () => import("@/locales/admin.en.json"),
};

/** What was chosen before, or the first of the browser's that we speak, or English. */
export function preferredLanguage(): Language {
  const wanted = [localStorage.getItem(STORED_AS) ?? "", ...navigator.languages];
  const known = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage);
  return known ?? "en";
}

function isLanguage(tag: string): tag is Language {
  return (LANGUAGES as readonly string[]).includes(tag);
}

/** The page's own, and what it has words of. */
let current: I18n | null = null;
const loaded = new Set<Words>();

/** `more`: words besides those that every page has; under names of their own. */
export async function makeI18n(language: Language, ...more: readonly Words[]): Promise<I18n> {
  const i18n = createInstance();
  const particles = { type: "postProcessor", name: "particles", process: withParticles } as const;
  await i18n
    .use(particles)
    .use(initReactI18next)
    .init({
      lng: language,
      resources: { [language]: { translation: await wordsIn(language, [WORDS, ...more]) } },
      postProcess: ["particles"],
      interpolation: { escapeValue: false }, // React escapes
      returnNull: false,
    });
  document.documentElement.lang = language;
  current = i18n;
  loaded.clear();
  for (const words of [WORDS, ...more]) loaded.add(words);
  return i18n;
}

/** What `code` loads, once its words are here too. */
export async function withPageWords<Module>(code: Promise<Module>): Promise<Module> {
  code.catch(() => undefined); // while the words come nobody waits for it: a line that breaks then is no error of ours
  if (current && !loaded.has(PAGE_WORDS)) {
    const language = current.language as Language; // it was made with one
    const words = await wordsIn(language, [PAGE_WORDS]);
    current.addResourceBundle(language, "translation", words, true);
    loaded.add(PAGE_WORDS);
  }
  return code;
}

export async function switchLanguage(i18n: I18n, language: Language): Promise<void> {
  i18n.addResourceBundle(language, "translation", await wordsIn(language, [...loaded]), true);
  await i18n.changeLanguage(language);
  localStorage.setItem(STORED_AS, language);
  // The server writes it into the next page's <html lang>, for what reads it before this script runs.
  // biome-ignore lint/suspicious/noDocumentCookie: Safari 17 has no CookieStore
  document.cookie = `${TOLD_AS}=${language}; Path=${BASE_PATH || "/"}; Max-Age=31536000; SameSite=Lax`;
  document.documentElement.lang = language;
}

async function wordsIn(language: Language, words: readonly Words[]): Promise<object> {
  const parts = await Promise.all(words.map((each) => each[language]()));
  return Object.assign({}, ...parts.map((part) => part.default));
}
