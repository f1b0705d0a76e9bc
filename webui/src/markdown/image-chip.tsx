/**
 * Where a text has a picture: a chip that says so. Nothing is loaded by itself: an address in a text could tell its
 * owner who reads it, and when. A picture inside the text is shown on request; one elsewhere opens in its own tab.
 */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { hostOf, isInlinePicture, safeHref } from "./links";

interface Props {
  href: string;
  text: string;
}

export function ImageChip({ href, text }: Props) {
  const { t } = useTranslation();
  const [isShown, setShown] = useState(false);
  const name = text || t("markdown.picture");
  if (isInlinePicture(href)) {
    if (isShown) return <img src={href} alt={text} />;
    return (
      <button type="button" className="md-chip" onClick={() => setShown(true)}>
        {t("markdown.showPicture", { name })}
      </button>
    );
  }
  const safe = safeHref(href);
  if (safe === null) return <span className="md-chip">{name}</span>;
  return (
    <a className="md-chip" href={safe} target="_blank" rel="noopener noreferrer nofollow">
      {t("markdown.openPicture", { name, host: hostOf(safe) })}
    </a>
  );
}
