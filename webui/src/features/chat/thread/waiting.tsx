/** Before anything is known of an answer: that it is waited for, and whether for the model itself. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { useLoadingModel } from "@/api/use-models";
import { useFormat } from "@/ui/use-format";

interface Props {
  /** undefined: the server's own choice. */
  model: string | undefined;
  /** Says nothing while the model is there. */
  isQuiet?: boolean;
}

export function Waiting({ model, isQuiet = false }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const loading = useLoadingModel(model);
  if (!loading && isQuiet) return null;
  const share = loading?.load_fraction ?? null;
  const words = share === null ? t("chat.modelLoading") : t("chat.modelLoadingShare", { share: format.percent(share) });
  return (
    <Box
      component="span"
      role={loading ? "status" : undefined}
      sx={{
        "@keyframes breathe": { "50%": { opacity: 0.25 } },
        display: "inline-block",
        color: "text.secondary",
        fontSize: "0.88rem",
        animation: "breathe 1.4s ease-in-out infinite",
      }}
    >
      {loading ? words : t("chat.waiting")}
    </Box>
  );
}
