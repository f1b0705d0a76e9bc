/** Goes to a place of the page, or to the administration, which is a document of its own. */
import { useNavigate } from "react-router";
import { addressOf } from "@/lib/place";

export function useGoTo(): (to: string) => void {
  const navigate = useNavigate();
  return (to) => {
    if (to.startsWith("/admin")) location.assign(addressOf(to));
    else navigate(to);
  };
}
