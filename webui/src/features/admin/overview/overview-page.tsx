/** What the server is doing: the models that it serves, and their state. */
import Button from "@mui/material/Button";
import Table from "@mui/material/Table";
import TableBody from "@mui/material/TableBody";
import TableCell from "@mui/material/TableCell";
import TableContainer from "@mui/material/TableContainer";
import TableHead from "@mui/material/TableHead";
import TableRow from "@mui/material/TableRow";
import { useTranslation } from "react-i18next";
import { useModels } from "@/api/use-models";
import { Loading } from "@/ui/loading";
import { Page } from "@/ui/page";
import { QueryProblem } from "@/ui/query-problem";
import { useFormat } from "@/ui/use-format";

export function OverviewPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const models = useModels();
  if (models.isPending) return <Loading />;
  if (models.isError) return <QueryProblem error={models.error} retry={() => models.refetch()} />;
  return (
    <Page title={t("admin.title")}>
      <TableContainer>
        <Table size="small" aria-label={t("admin.models")}>
          <TableHead>
            <TableRow>
              <TableCell>{t("admin.model")}</TableCell>
              <TableCell>{t("admin.state")}</TableCell>
              <TableCell align="right">{t("admin.context")}</TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {models.data.data.map((model) => (
              <TableRow key={model.id}>
                <TableCell component="th" scope="row">
                  {model.id}
                </TableCell>
                <TableCell>{model.state}</TableCell>
                <TableCell align="right">
                  {model.context_length === null ? "–" : format.number(model.context_length)}
                </TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableContainer>
      <Button href="/" sx={{ mt: 3 }}>
        {t("admin.toChat")}
      </Button>
    </Page>
  );
}
