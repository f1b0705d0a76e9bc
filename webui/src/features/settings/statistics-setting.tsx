/** Whether what answers took is shown under each of them. */
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import { useTranslation } from "react-i18next";
import { useSaveStatistics, useShowsStatistics } from "@/api/statistics";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

export function StatisticsSetting() {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const { show } = useNotices();
  const isShown = useShowsStatistics();
  const { mutate, isPending, variables } = useSaveStatistics();
  return (
    <FormControlLabel
      label={t("settings.statistics")}
      control={
        <Checkbox
          checked={isPending ? variables : isShown}
          onChange={(_, checked) => mutate(checked, { onError: (error) => show({ text: textOf(error) }) })}
        />
      }
    />
  );
}
