/** There is no such page. */
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Problem } from "@/ui/problem";

export function NotFound() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <Problem title={t("error.noPage")} action={{ label: t("error.toStart"), onClick: () => navigate("/") }}>
      {t("error.noPageText")}
    </Problem>
  );
}
