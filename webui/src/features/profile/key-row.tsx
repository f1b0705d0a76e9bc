/** One API key: its name, how it begins, what it may, until when. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useTranslation } from "react-i18next";
import type { KeyView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";

interface Props {
  apiKey: KeyView;
  revoke: () => void;
}

export function KeyRow({ apiKey, revoke }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const now = Date.now();
  const { expires_at_ms: expiresAt, last_used_at_ms: usedAt } = apiKey;
  const valid =
    expiresAt === null
      ? t("keys.forEver")
      : t(expiresAt < now ? "keys.over" : "keys.until", { when: format.date(expiresAt) });
  const used = usedAt === null ? t("keys.never") : t("keys.usedAt", { when: format.ago(usedAt, now) });
  const scopes = apiKey.scopes.map((scope) => t(`keys.scopeNames.${scope}`)).join(", ");
  return (
    <Box component="li" sx={{ display: "flex", alignItems: "center", gap: 2, py: 1.25 }}>
      <Box sx={{ flex: 1, minWidth: 0 }}>
        <Typography sx={{ overflowWrap: "anywhere" }}>
          {apiKey.name}{" "}
          <Box component="code" sx={{ color: "text.secondary", fontFamily: "var(--bd-mono)", fontSize: "0.85rem" }}>
            {apiKey.prefix}…
          </Box>
        </Typography>
        <Typography variant="body2" color="textSecondary">
          {[scopes, ...(apiKey.is_bulk ? [t("keys.bulk")] : []), valid, used].join(" · ")}
        </Typography>
      </Box>
      <Button size="small" aria-label={t("keys.revokeOf", { name: apiKey.name })} onClick={revoke}>
        {t("keys.revoke")}
      </Button>
    </Box>
  );
}
