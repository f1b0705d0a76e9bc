/** Tells a screen reader that an answer begins and ends; its words are there to be read, not shouted one by one. */
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

interface Props {
  isAnswering: boolean;
}

export function Announcer({ isAnswering }: Props) {
  const { t } = useTranslation();
  const [said, setSaid] = useState("");
  const before = useRef(isAnswering);
  useEffect(() => {
    if (before.current === isAnswering) return;
    before.current = isAnswering;
    setSaid(isAnswering ? t("chat.answerBegins") : t("chat.answerEnds"));
  }, [isAnswering, t]);
  return (
    <div role="status" className="visually-hidden">
      {said}
    </div>
  );
}
