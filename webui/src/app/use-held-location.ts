/**
 * Which page is shown: the one before, while its reader is asked whether it may be left. However they would leave it,
 * by a link, a key or the browser's way back, the address is another already; who stays gets the former one again.
 */
import { useState } from "react";
import { type Location, useLocation, useNavigate } from "react-router";
import { type LeaveQuestion, useLeaving } from "@/ui/leaving";

interface HeldLocation {
  location: Location;
  /** null: nothing is asked. */
  question: LeaveQuestion | null;
  stay: () => void;
  leave: () => void;
}

export function useHeldLocation(): HeldLocation {
  const now = useLocation();
  const navigate = useNavigate();
  const { question, free } = useLeaving();
  const [shown, setShown] = useState(now);
  const isHeld = question !== null && now.pathname !== shown.pathname;
  if (!isHeld && shown !== now) setShown(now);
  return {
    location: isHeld ? shown : now,
    question: isHeld ? question : null,
    stay: () => navigate(shown, { replace: true }),
    leave: free,
  };
}
