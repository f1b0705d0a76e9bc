/** `t("…")` takes the keys of en.json and admin.en.json and nothing else. */
import "i18next";
import type adminEn from "@/locales/admin.en.json";
import type en from "@/locales/en.json";

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en & typeof adminEn };
  }
}
