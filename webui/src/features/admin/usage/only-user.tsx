/** Says that one person's usage is shown, and shows everybody's again. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { adminKeys } from "../admin-keys";
import { ownerName } from "../parts/owner-name";

interface Props {
  userId: string;
  clear: () => void;
}

export function OnlyUser({ userId, clear }: Props) {
  const { t } = useTranslation();
  const user = useQuery({
    queryKey: [...adminKeys.users, "one", userId],
    queryFn: ({ signal }) => call("GET /api/admin/users/{user_id}", { path: { user_id: userId }, signal }),
    enabled: userId !== "",
  });
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, mb: 2 }}>
      <span>{t("admin.usage.only", { name: ownerName(t, userId, user.data?.username ?? null) })}</span>
      <Button size="small" onClick={clear}>
        {t("admin.usage.everybody")}
      </Button>
    </Box>
  );
}
