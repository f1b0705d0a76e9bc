/** One quiet line while the server cannot be reached, or not as it should; nothing is lost meanwhile, and it says so. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLive } from "@/live/live-context";

/** A line that is back within a moment is not worth a word. */
const SHOWN_AFTER_MS = 1500;
/** Nor is a stream that a socket follows at once, as when a server has been restarted. */
const STREAM_SHOWN_AFTER_MS = 4000;

interface Props {
  /** Said while it is broken; the chat's own words if absent. */
  whenBroken?: string;
  /** Called when the server is there again after it said so. */
  onBack?: () => void;
}

export function LineNotice({ whenBroken, onBack }: Props) {
  const { t } = useTranslation();
  const { lineState } = useLive();
  const [isLong, setLong] = useState(false);
  const isBroken = lineState.name === "waiting" || lineState.name === "connecting";
  const isStream = lineState.name === "open" && lineState.way === "stream";
  const shownAfterMs = isBroken ? SHOWN_AFTER_MS : isStream ? STREAM_SHOWN_AFTER_MS : null;
  useEffect(() => {
    if (shownAfterMs === null) return;
    const timer = setTimeout(() => setLong(true), shownAfterMs);
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [shownAfterMs]);
  const wasThere = useRef(false); // the first connection is no return, however long it takes
  const wasSaid = useRef(false);
  const tellBack = useEffectEvent(() => onBack?.());
  useEffect(() => {
    if (isLong && isBroken) wasSaid.current = wasThere.current;
    if (lineState.name !== "open") return;
    wasThere.current = true;
    if (!wasSaid.current) return;
    wasSaid.current = false;
    tellBack();
  }, [isLong, isBroken, lineState.name]);
  const ending = lineState.name === "ended" ? endText(lineState.why) : null;
  const words = isStream ? t("line.stream") : (whenBroken ?? t("line.broken"));
  const text = ending ? t(ending) : isLong ? words : null;
  return (
    <Box role="status" sx={{ textAlign: "center", fontSize: "0.85rem", bgcolor: "background.sunken" }}>
      {text && (
        <Box sx={{ py: 0.5, px: 6, borderBottom: 1, borderColor: "divider" }}>
          {text}
          {ending && (
            <Button size="small" onClick={() => location.reload()} sx={{ ml: 1 }}>
              {t(ending === "line.signedOut" ? "auth.login" : "error.reload")}
            </Button>
          )}
        </Box>
      )}
    </Box>
  );
}

function endText(why: string) {
  if (why === "signed-out") return "line.signedOut";
  return why === "outdated" ? "line.outdated" : null;
}
