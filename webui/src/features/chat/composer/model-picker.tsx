/** Which model answers. */
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useModels } from "@/api/use-models";
import { Icon } from "@/ui/icon";
import { PopupMenu } from "@/ui/popup-menu";
import { useChosenModel } from "../chosen-model";

export function ModelPicker() {
  const { t } = useTranslation();
  const models = useModels().data?.data ?? [];
  const { model, choose } = useChosenModel();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const shown = models.find((each) => each.id === model) ?? models[0];
  if (!shown) return <span />;
  const close = () => setAnchor(null);
  return (
    <>
      <Button
        size="small"
        color="inherit"
        aria-haspopup="menu"
        aria-label={t("chat.model", { model: shown.id })}
        endIcon={<Icon name="down" size={14} />}
        onClick={(event) => setAnchor(event.currentTarget)}
        sx={{ color: "text.secondary", minWidth: 0, maxWidth: { xs: 150, sm: 280 }, fontWeight: 450 }}
      >
        <span className="ellipsis">{shown.id}</span>
      </Button>
      <PopupMenu anchor={anchor} close={close}>
        {models.map((each) => (
          <MenuItem
            key={each.id}
            dense
            selected={each.id === shown.id}
            onClick={() => {
              choose(each.id);
              close();
            }}
          >
            {each.id}
          </MenuItem>
        ))}
      </PopupMenu>
    </>
  );
}
