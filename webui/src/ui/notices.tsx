/** Shows the notice of the moment. */
import Button from "@mui/material/Button";
import Snackbar from "@mui/material/Snackbar";
import { useNotices } from "./notices-state";

const SHOWN_FOR_MS = 6000;

export function Notices() {
  const { notice, hide } = useNotices();
  const action = notice?.action;
  const act = () => {
    hide();
    action?.onClick();
  };
  return (
    <Snackbar
      open={notice !== null}
      autoHideDuration={SHOWN_FOR_MS}
      onClose={(_event, reason) => reason !== "clickaway" && hide()}
      message={notice?.text}
      action={
        action && (
          <Button color="inherit" size="small" onClick={act}>
            {action.label}
          </Button>
        )
      }
    />
  );
}
