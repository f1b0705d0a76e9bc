/** Whether the sidebar is open: on a wide screen it is until closed, on a phone it is not until opened. */
import { create } from "zustand";

interface LayoutState {
  isSidebarOpen: boolean;
  isDrawerOpen: boolean;
  setSidebarOpen: (isOpen: boolean) => void;
  setDrawerOpen: (isOpen: boolean) => void;
}

const STORED_AS = "bdchat.sidebar";

export const useLayout = create<LayoutState>((set) => ({
  isSidebarOpen: localStorage.getItem(STORED_AS) !== "closed",
  isDrawerOpen: false,
  setSidebarOpen: (isSidebarOpen) => {
    localStorage.setItem(STORED_AS, isSidebarOpen ? "open" : "closed");
    set({ isSidebarOpen });
  },
  setDrawerOpen: (isDrawerOpen) => set({ isDrawerOpen }),
}));
