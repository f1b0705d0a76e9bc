/** No model is loaded: where to load one. */
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

export function NoEngine() {
  const { t } = useTranslation();
  return (
    <>
      <Typography color="textSecondary" sx={{ mb: 1 }}>
        {t("admin.engine.none")}
      </Typography>
      <Button component={Link} to="/models" variant="outlined">
        {t("admin.nav.models")}
      </Button>
    </>
  );
}
