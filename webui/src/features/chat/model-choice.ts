/** Which model answers: what the browser chose for new chats, and what each chat has from then on. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { create } from "zustand";
import { configQuery } from "@/api/chat-queries";
import { call } from "@/api/client";
import { keys } from "@/api/keys";
import type { Model, PathMessageView } from "@/api/types.gen";
import { useModels } from "@/api/use-models";
import { useNotices } from "@/ui/notices-state";
import { useErrorText } from "@/ui/use-error-text";

export interface ModelChoice {
  /** All that are served, the default first; undefined: not known yet. */
  models: readonly Model[] | undefined;
  /** Which of them answers. */
  model: Model | undefined;
  /** The chat's own, when it is not served any more. */
  missing: string | null;
  /** Absent: it is another's to choose. */
  choose?: (modelId: string) => void;
}

interface ChosenModel {
  model: string | null;
  choose: (model: string) => void;
}

const STORED_AS = "bdchat.model";

const useChosenModel = create<ChosenModel>((set) => ({
  model: localStorage.getItem(STORED_AS),
  choose: (model) => {
    localStorage.setItem(STORED_AS, model);
    set({ model });
  },
}));

/** Of new and temporary chats. `chosen`: null: the server's own choice, also when the chosen one is not served. */
export function useNewChatModel(): { choice: ModelChoice; chosen: string | null } {
  const { model: wanted, choose } = useChosenModel();
  const models = useModels().data?.data;
  const chosen = models?.find((each) => each.id === wanted);
  return { choice: { models, model: chosen ?? models?.[0], missing: null, choose }, chosen: chosen?.id ?? null };
}

/** As the server decides it (Plans.in_force): by the chat's settings, else by its last answer, else the default. */
export function useChatModel(
  sessionId: string,
  messages: readonly PathMessageView[],
  { isOwner }: { isOwner: boolean },
): ModelChoice {
  const queries = useQueryClient();
  const textOf = useErrorText();
  const { show } = useNotices();
  const models = useModels().data?.data;
  const config = useQuery(configQuery(sessionId)).data;
  const own = config?.model && config.model !== "default" ? config.model : null;
  const last = messages.findLast((message) => message.role === "assistant")?.metadata?.model;
  const find = (modelId: string | null | undefined) => models?.find((each) => each.id === modelId);
  const model = own === null ? (find(last) ?? models?.[0]) : find(own);
  const choose = async (modelId: string) => {
    const path = { session_id: sessionId };
    try {
      const saved = await call("PATCH /api/sessions/{session_id}/config", { path, body: { model: modelId } });
      queries.setQueryData(keys.config(sessionId), saved);
      queries.invalidateQueries({ queryKey: [...keys.session(sessionId), "preview"] });
    } catch (error) {
      show({ text: textOf(error) });
    }
  };
  const missing = own !== null && models !== undefined && !model ? own : null;
  return { models, model, missing, ...(isOwner ? { choose } : {}) };
}

/** Why nothing can be sent, or what is worth a word; null: the model is ready, or nothing is known of it. */
export type ModelTrouble = "none" | "missing" | "failed" | "loading";

export function troubleOf({ models, model, missing }: ModelChoice): ModelTrouble | null {
  if (!models) return null;
  if (models.length === 0) return "none";
  if (missing !== null) return "missing";
  if (model?.state === "failed" || model?.state === "closed") return "failed";
  return model?.state === "loading" || model?.state === "restarting" ? "loading" : null;
}
