/** Which model answers. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/icon";
import { PopupMenu } from "@/ui/popup-menu";
import { useFormat } from "@/ui/use-format";
import type { ModelChoice } from "../model-choice";

interface Props {
  choice: ModelChoice;
}

export function ModelPicker({ choice }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const { models = [], model, missing, choose } = choice;
  const name = missing ?? model?.id;
  if (name === undefined) return null;
  const close = () => setAnchor(null);
  return (
    <>
      <Button
        size="small"
        color="inherit"
        disabled={!choose}
        aria-haspopup="menu"
        aria-label={t("chat.model", { model: name })}
        endIcon={choose && <Icon name="down" size={14} />}
        onClick={(event) => setAnchor(event.currentTarget)}
        sx={{
          color: "text.secondary",
          minWidth: 0,
          maxWidth: { xs: 150, sm: 280 },
          fontWeight: 450,
          "&.Mui-disabled": { color: "text.secondary" },
        }}
      >
        <Box component="span" className="ellipsis" sx={missing ? { textDecoration: "line-through" } : {}}>
          {name}
        </Box>
      </Button>
      <PopupMenu
        anchor={anchor}
        close={close}
        anchorOrigin={{ vertical: "top", horizontal: "left" }}
        transformOrigin={{ vertical: "bottom", horizontal: "left" }}
      >
        {models.map((each) => (
          <MenuItem
            key={each.id}
            dense
            selected={each.id === model?.id}
            onClick={() => {
              choose?.(each.id);
              close();
            }}
            sx={{ display: "block" }}
          >
            {each.id}
            {each.context_length !== null && (
              <Box sx={{ fontSize: "0.78rem", color: "text.secondary" }}>
                {t("composer.contextLength", { num: format.number(each.context_length) })}
              </Box>
            )}
          </MenuItem>
        ))}
      </PopupMenu>
    </>
  );
}
