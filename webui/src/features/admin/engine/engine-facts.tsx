/** One engine: its state, what it was loaded as, and what it has done since. */
import Box from "@mui/material/Box";
import { useTranslation } from "react-i18next";
import type { EngineView } from "@/api/types.gen";
import { useFormat } from "@/ui/use-format";
import { EngineState } from "../parts/engine-state";
import { Facts } from "../parts/facts";
import { heldWeights } from "./held-weights";

interface Props {
  engine: EngineView;
}

export function EngineFacts({ engine }: Props) {
  const { t } = useTranslation();
  const format = useFormat();
  const info = engine.info ?? {};
  const num = (name: string) => (typeof info[name] === "number" ? format.number(info[name]) : "–");
  const guesses = (right: number, all: number) =>
    t("admin.engine.guessesOf", { right: format.number(right), all: format.number(all) });
  return (
    <Box sx={{ mb: 2 }}>
      <Facts
        facts={[
          [t("admin.state"), <EngineState key="state" state={engine.is_leaving ? "leaving" : engine.state} />],
          [t("admin.context"), num("n_ctx")],
          [t("admin.engine.atOnce"), num("num_sequences")],
          [t("admin.engine.threads"), num("n_threads")],
          [t("admin.engine.kvType"), typeof info.kv_type === "string" ? info.kv_type : "–"],
          [t("admin.engine.cellMemory"), format.bytes(engine.kv_resident_bytes)],
          [t("admin.engine.weights"), heldWeights(info.weights, t, (value) => format.number(value))],
          [t("admin.engine.ram"), format.bytes(engine.ram_cache_bytes)],
          [t("admin.engine.disk"), format.bytes(engine.disk_cache_bytes)],
          [t("admin.engine.requests"), format.number(engine.num_requests)],
          [t("admin.engine.failed"), format.number(engine.num_failed)],
          [t("admin.engine.evictions"), format.number(engine.num_evictions)],
          [t("admin.engine.preemptions"), format.number(engine.num_preemptions)],
          [
            t("admin.engine.guesses"),
            guesses(
              engine.num_tokens_accepted - engine.num_recent_tokens_accepted - engine.num_model_tokens_accepted,
              engine.num_tokens_drafted - engine.num_recent_tokens_drafted - engine.num_model_tokens_drafted,
            ),
          ],
          [
            t("admin.engine.guessesRecent"),
            guesses(engine.num_recent_tokens_accepted, engine.num_recent_tokens_drafted),
          ],
          [
            t("admin.engine.guessesModel"),
            typeof info.draft_model === "string"
              ? `${info.draft_model}: ${guesses(engine.num_model_tokens_accepted, engine.num_model_tokens_drafted)}`
              : "–",
          ],
          [t("admin.engine.restarts"), format.number(engine.num_restarts)],
        ]}
      />
    </Box>
  );
}
