/** Makes a link. Its address is shown this once: the server keeps no more than a hash of it. */

import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { call } from "@/api/client";
import { copyText } from "@/lib/clipboard";
import { fullAddressOf, isLocalOnly } from "@/lib/place";
import { plainField } from "@/ui/plain-field";
import { useErrorText } from "@/ui/use-error-text";

const LIFETIMES = [1, 7, 30, 365, null] as const;

interface Props {
  sessionId: string;
  done: () => void;
}

export function LinkForm({ sessionId, done }: Props) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const [days, setDays] = useState<number | null>(30);
  const [isCopied, setCopied] = useState<boolean | null>(null);
  const make = useMutation({
    mutationFn: () =>
      call("POST /api/sessions/{session_id}/links", {
        path: { session_id: sessionId },
        body: { expires_in_days: days },
      }),
    onSuccess: done,
    onMutate: () => setCopied(null),
  });
  const address = make.data && fullAddressOf(`/shared/${make.data.token}`);
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1 }}>
        <Box
          component="select"
          aria-label={t("sharing.lifetime")}
          value={days ?? ""}
          onChange={(event) => setDays(event.target.value === "" ? null : Number(event.target.value))}
          sx={{ ...plainField, width: "auto", height: 40, flex: "1 1 140px" }}
        >
          {LIFETIMES.map((each) => (
            <option key={each} value={each ?? ""}>
              {each === null ? t("sharing.forEver") : t("sharing.days", { count: each })}
            </option>
          ))}
        </Box>
        <Button variant="contained" loading={make.isPending} onClick={() => make.mutate()} sx={{ height: 40 }}>
          {t("sharing.makeLink")}
        </Button>
      </Box>
      {make.isError && (
        <Alert severity="error" sx={{ mt: 1.5 }}>
          {textOf(make.error)}
        </Alert>
      )}
      {address && isLocalOnly() && (
        <Alert severity="info" sx={{ mt: 1.5 }}>
          {t("sharing.localOnly")}
        </Alert>
      )}
      {address && (
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, mt: 2 }}>
          <TextField
            size="small"
            autoFocus
            label={t("sharing.address")}
            value={address}
            helperText={isCopied === null ? t("sharing.once") : t(isCopied ? "secret.copied" : "secret.notCopied")}
            onFocus={(event) => event.target.select()}
            sx={{ flex: "1 1 200px" }}
            slotProps={{ htmlInput: { readOnly: true }, formHelperText: { role: "status" } }}
          />
          <Button
            variant="outlined"
            onClick={async () => setCopied(await copyText(address))}
            sx={{ height: 40, alignSelf: "flex-start" }}
          >
            {t("secret.copy")}
          </Button>
        </Box>
      )}
    </>
  );
}
