/** Models on their way, and how the last downloads ended. */
import { useTranslation } from "react-i18next";
import { Card } from "../parts/card";
import { Grid } from "../parts/grid";
import { Loaded } from "../parts/loaded";
import { Section } from "../parts/section";
import { PullProgress } from "./pull-progress";
import { PULLS_ID, usePulls } from "./use-pulls";

export function PullList() {
  const { t } = useTranslation();
  const pulls = usePulls();
  if (pulls.data?.data.length === 0) return null;
  return (
    <Section id={PULLS_ID} title={t("admin.pulls.title")}>
      <Loaded query={pulls}>
        {({ data }) => (
          <Grid min={400} keepsWidth>
            {data.map((pull) => (
              <Card key={pull.pull_id}>
                <PullProgress pull={pull} />
              </Card>
            ))}
          </Grid>
        )}
      </Loaded>
    </Section>
  );
}
