/** Why a chat or a file was not taken in, in the reader's language; in the server's words where we have none. */
import { useTranslation } from "react-i18next";
import type { ChatLine } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";

type Explained = Pick<ChatLine, "reason" | "reason_code" | "reason_values">;

export function useImportReason(): (line: Explained) => string | null {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  return ({ reason, reason_code: code, reason_values: given }) => {
    const key = `import.reasons.${code ?? ""}` as "import.reasons.too_deep"; // one of them
    if (code === null || !i18n.exists(key)) return reason;
    const shown = Object.entries(given).map(([name, value]) => [
      name,
      typeof value === "number" ? format.number(value) : value,
    ]);
    return t(key, Object.fromEntries(shown));
  };
}
