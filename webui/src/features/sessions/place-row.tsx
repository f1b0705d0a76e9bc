/** A row of the list that is no chat: a folder, or the way to more of a section. */
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import { Icon } from "@/ui/icon";
import type { IconName } from "@/ui/icon-paths";

interface Props {
  icon: IconName;
  name: string;
  /** How many are in it; "" says nothing. */
  count?: number | "";
  isTabStop: boolean;
  open: () => void;
}

export function PlaceRow({ icon, name, count = "", isTabStop, open }: Props) {
  return (
    <Box sx={{ mx: 1 }}>
      <ButtonBase
        onClick={open}
        tabIndex={isTabStop ? 0 : -1}
        sx={{
          width: "100%",
          height: 36,
          gap: 1.25,
          px: 1.25,
          borderRadius: 1,
          justifyContent: "flex-start",
          font: "inherit",
          fontSize: "0.9rem",
          "&:hover": { bgcolor: "action.hover" },
        }}
      >
        <Icon name={icon} size={17} />
        <Box component="span" className="ellipsis" dir="auto">
          {name}
        </Box>
        <Box component="span" sx={{ ml: "auto", color: "text.secondary", fontSize: "0.82rem" }}>
          {count}
        </Box>
      </ButtonBase>
    </Box>
  );
}
