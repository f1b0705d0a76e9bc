/** What the reader was told, each with its time; a choice goes to what it is about. */
import Box from "@mui/material/Box";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/ui/use-format";
import { useNewsList } from "./news-state";
import { useGoTo } from "./use-go-to";

interface Props {
  anchor: HTMLElement;
  close: () => void;
}

export function NewsMenu({ anchor, close }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const goTo = useGoTo();
  const { items } = useNewsList();
  const open = (to: string | null) => {
    close();
    if (to) goTo(to);
  };
  return (
    <Menu open anchorEl={anchor} onClose={close} slotProps={{ list: { "aria-label": t("news.title") } }}>
      {items.length === 0 && <MenuItem disabled>{t("news.none")}</MenuItem>}
      {items.map((item) => (
        <MenuItem key={`${item.atMs} ${item.text}`} dense onClick={() => open(item.to)}>
          <Box component="span" className="ellipsis" sx={{ maxWidth: 320 }}>
            {item.text}
          </Box>
          <Box component="time" sx={{ ml: "auto", pl: 2, fontSize: "0.8rem", color: "text.secondary" }}>
            {format.time(item.atMs)}
          </Box>
        </MenuItem>
      ))}
    </Menu>
  );
}
