/** The model that new messages ask for. */
import { create } from "zustand";
import { useModels } from "@/api/use-models";

interface ChosenModel {
  model: string | null;
  choose: (model: string) => void;
}

const STORED_AS = "bdchat.model";

export const useChosenModel = create<ChosenModel>((set) => ({
  model: localStorage.getItem(STORED_AS),
  choose: (model) => {
    localStorage.setItem(STORED_AS, model);
    set({ model });
  },
}));

/** null: the server's own choice, also when the chosen one is not served any more. */
export function useWantedModel(): string | null {
  const { model } = useChosenModel();
  const { data } = useModels();
  return data?.data.some((each) => each.id === model) ? model : null;
}
