/** `t("…")` takes the keys of the English words and nothing else. */
import "i18next";
import type adminEn from "@/locales/admin.en.json";
import type en from "@/locales/en.json";
import type pagesEn from "@/locales/pages.en.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en & typeof pagesEn & typeof adminEn };
  }
}
