/** Those who have the chat open too, as faces; their names are said and shown when one points at them. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import { Face } from "./face";

/** More are counted. */
const MAX_FACES = 4;

interface Props {
  others: readonly { userId: string; name: string }[];
}

export function Present({ others }: Props) {
  const { t } = useTranslation();
  const names = t("chat.present", { names: others.map((other) => other.name).join(", ") });
  const more = others.length - MAX_FACES;
  return (
    <Box
      role="img"
      aria-label={names}
      title={names}
      sx={{
        display: "flex",
        alignItems: "center",
        fontSize: "0.82rem",
        color: "text.secondary",
        "& > * + *": { ml: -0.5 },
      }}
    >
      {others.slice(0, MAX_FACES).map((other) => (
        <Face key={other.userId} name={other.name} sizePx={26} />
      ))}
      {more > 0 && <Box sx={{ pl: 1 }}>+{more}</Box>}
    </Box>
  );
}
