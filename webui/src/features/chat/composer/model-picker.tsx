/** Which model answers. */
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Model } from "@/api/types.gen";
import { languageNames } from "@/lib/language-names";
import { Icon } from "@/ui/icon";
import { PopupMenu } from "@/ui/popup-menu";
import { useFormat } from "@/ui/use-format";
import type { ModelChoice } from "../model-choice";

interface Props {
  choice: ModelChoice;
}

export function ModelPicker({ choice }: Props) {
  const { t } = useTranslation();
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
            <Facts model={each} />
          </MenuItem>
        ))}
      </PopupMenu>
    </>
  );
}

/** In a component of its own, so that a closed menu names no languages. */
function Facts({ model }: { model: Model }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const { num_parameters: size, languages, context_length: context } = model;
  const facts = [
    size !== null && sizeName(size),
    languageNames(languages, i18n.language).names.join(", "),
    context !== null && t("composer.contextLength", { num: format.number(context) }),
  ];
  return <Box sx={{ fontSize: "0.78rem", color: "text.secondary" }}>{facts.filter(Boolean).join(" · ")}</Box>;
}

/** "1.5B": how many parameters, as models are called for it. */
function sizeName(num: number): string {
  return num >= 1e9 ? `${(num / 1e9).toFixed(1).replace(/\.0$/, "")}B` : `${Math.round(num / 1e6)}M`;
}
