/** Brings chats in from a file: which one, how far it is, what became of each chat. */
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import Typography from "@mui/material/Typography";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { Meter } from "@/ui/meter";
import { useErrorText } from "@/ui/use-error-text";
import { useFormat } from "@/ui/use-format";
import { FilePicker } from "./file-picker";
import { ImportReport } from "./import-report";
import { type ImportState, useImport } from "./use-import";
import { useImportReason } from "./use-import-reason";

interface Props {
  close: () => void;
}

export function ImportDialog({ close }: Props) {
  const { t } = useTranslation();
  const { state, start, stop, reset } = useImport();
  const isRunning = state.phase === "sending" || state.phase === "reading";
  return (
    // While it runs it is stopped by its button: a click beside it or a key pressed by mistake must not.
    <Dialog open {...(isRunning ? {} : { onClose: close })} fullWidth maxWidth="sm" aria-labelledby="import">
      <DialogTitle id="import">{t("import.title")}</DialogTitle>
      <DialogContent sx={{ display: "grid", gap: 2 }}>
        {state.phase === "idle" ? <FilePicker choose={start} /> : <Progress state={state} />}
        {state.outcomes.length > 0 && <ImportReport outcomes={state.outcomes} close={close} />}
        {state.numOmitted > 0 && (
          <Typography variant="body2" color="textSecondary">
            {t("import.omitted", { count: state.numOmitted })}
          </Typography>
        )}
      </DialogContent>
      <DialogActions>
        {isRunning && <Button onClick={stop}>{t("import.stop")}</Button>}
        {(state.phase === "done" || state.phase === "failed") && <Button onClick={reset}>{t("import.another")}</Button>}
        {!isRunning && (
          <Button onClick={close}>{state.phase === "idle" ? t("common.cancel") : t("common.close")}</Button>
        )}
      </DialogActions>
    </Dialog>
  );
}

function Progress({ state }: { state: ImportState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const reasonOf = useImportReason();
  const textOf = useErrorText();
  const { phase, share, summary } = state;
  if (phase === "failed") {
    const isStopped = state.error instanceof ApiError && state.error.code === "stopped";
    return (
      <Alert severity={isStopped ? "info" : "error"}>{isStopped ? t("import.stopped") : textOf(state.error)}</Alert>
    );
  }
  if (phase === "done") {
    const counts = summary && {
      imported: format.number(summary.num_imported),
      skipped: format.number(summary.num_skipped),
      failed: format.number(summary.num_failed),
    };
    const isWhole = summary?.status === "finished" && summary.num_failed === 0;
    return (
      <Alert severity={isWhole ? "success" : "warning"}>
        {t(`import.ended.${summary?.status ?? "incomplete"}`)} {counts && t("import.counts", counts)}
        {summary?.reason && <div>{reasonOf(summary)}</div>}
      </Alert>
    );
  }
  const label = t(phase === "sending" ? "import.sending" : "import.reading");
  return (
    <Box>
      <Box sx={{ display: "flex", justifyContent: "space-between", mb: 0.75 }}>
        <span role="status">{label}</span>
        <span>{format.percent(share)}</span>
      </Box>
      <Meter label={label} share={share} />
    </Box>
  );
}
