/** Numbers and dates in the page's language. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Format } from "@/lib/format";

export function useFormat(): Format {
  const { i18n } = useTranslation();
  return useMemo(() => new Format(i18n.language), [i18n.language]);
}
