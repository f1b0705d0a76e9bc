/** The field where messages are written. Enter sends, also within a Hangul syllable; Shift+Enter breaks the line. */
import Box from "@mui/material/Box";
import {
  type ClipboardEvent,
  type KeyboardEvent,
  lazy,
  type ReactNode,
  Suspense,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import { type Preset, presetsFor, usePresets } from "@/api/presets";
import { useMyId } from "@/api/use-me";
import { EnterKey } from "@/lib/ime";
import { type Attachment, MAX_INLINE_CHARACTERS, withAttachments } from "../attachment";
import { draftKey, draftOf, keepDraft } from "../drafts";
import { AttachmentChips } from "./attachment-chips";
import { ComposerBar } from "./composer-bar";

const PresetList = lazy(() => import("./preset-list").then((module) => ({ default: module.PresetList })));

const SAVED_AFTER_MS = 400;
const TYPING_EVERY_MS = 3000;

interface Props {
  /** A chat's id, or "new": drafts are kept by it. null: they are not kept. */
  place: string | null;
  /** Whether it was taken: then the field is emptied. */
  send: (content: string) => Promise<boolean>;
  isBusy: boolean;
  stop?: (() => void) | undefined;
  /** It was told to stop. */
  isStopping?: boolean;
  /** A preset was put into the field. */
  onPreset?: ((preset: Preset) => void) | undefined;
  onTyping?: (() => void) | undefined;
  /** Shown below the field: what sending `draft` would cost. */
  meter?: (draft: string) => ReactNode;
}

export function Composer({ place, send, isBusy, stop, isStopping = false, onPreset, onTyping, meter }: Props) {
  const { t } = useTranslation();
  const keptAs = draftKey(useMyId(), place);
  const [text, setText] = useState(() => draftOf(keptAs));
  const [attachments, setAttachments] = useState<readonly Attachment[]>([]);
  const [active, setActive] = useState(0);
  const [isListLeft, setListLeft] = useState(false); // by Escape, until the next letter
  const field = useRef<HTMLTextAreaElement>(null);
  const lastTyping = useRef(0);

  useEffect(() => {
    if (text === draftOf(keptAs)) return; // also: what was read from there is not put back after a sign-out
    const timer = setTimeout(() => keepDraft(keptAs, text), SAVED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [keptAs, text]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: its height follows its text
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const submit = async (value: string) => {
    const content = withAttachments(value, attachments);
    if (!content || isBusy) return;
    const [formerText, formerAttachments] = [value, attachments];
    setText("");
    setAttachments([]);
    keepDraft(keptAs, "");
    if (!(await send(content))) {
      setText(formerText);
      setAttachments(formerAttachments);
    }
  };
  const latest = useRef(submit);
  useEffect(() => {
    latest.current = submit;
  });
  const enter = useMemo(() => new EnterKey((value) => latest.current(value)), []);

  const presets = presetsFor(text, usePresets());
  const isListOpen = presets.length > 0 && !isListLeft;
  const choose = (preset: Preset) => {
    setText(preset.text);
    onPreset?.(preset);
  };

  const change = (value: string) => {
    setText(value);
    setActive(0);
    setListLeft(false);
    const now = Date.now();
    if (!onTyping || now - lastTyping.current < TYPING_EVERY_MS) return;
    lastTyping.current = now;
    onTyping();
  };
  const paste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData.getData("text/plain");
    if (pasted.length <= MAX_INLINE_CHARACTERS) return;
    event.preventDefault();
    setAttachments([...attachments, { text: pasted }]);
  };
  /** Whether the list of presets took the key. */
  const isForList = (event: KeyboardEvent): boolean => {
    if (!isListOpen) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const preset = presets[active];
    if (step) setActive((active + step + presets.length) % presets.length);
    else if (event.key === "Escape") setListLeft(true);
    else if (event.key !== "Enter" && event.key !== "Tab") return false;
    else if (event.nativeEvent.isComposing)
      return true; // the key ends a Hangul syllable; nothing is sent
    else if (preset) choose(preset);
    event.preventDefault();
    return true;
  };
  const sendsOnEnter = !matchMedia("(pointer: coarse) and (hover: none)").matches; // a phone has a button for it
  return (
    <Box sx={{ width: "100%", maxWidth: 780, mx: "auto", px: { xs: 1, sm: 2 }, pb: { xs: 1, sm: 2 } }}>
      <Box
        sx={{
          border: 1,
          borderColor: "divider",
          borderRadius: "20px",
          bgcolor: "background.paper",
          p: 1,
          "&:focus-within": { borderColor: "primary.main" },
          "& textarea": {
            display: "block",
            width: "100%",
            maxHeight: "40vh",
            px: 1.25,
            py: 0.75,
            border: 0,
            outline: 0,
            resize: "none",
            bgcolor: "transparent",
            color: "inherit",
            font: "inherit",
            lineHeight: 1.6,
            "&::placeholder": { color: "text.secondary", opacity: 1 },
          },
        }}
      >
        <AttachmentChips attachments={attachments} change={setAttachments} />
        <Suspense>{isListOpen && <PresetList presets={presets} active={active} choose={choose} />}</Suspense>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          value={text}
          onChange={(event) => change(event.target.value)}
          onPaste={paste}
          placeholder={t("chat.placeholder")}
          aria-label={t("chat.placeholder")}
          {...(isListOpen
            ? {
                "aria-autocomplete": "list",
                "aria-controls": "preset-list",
                "aria-activedescendant": `preset-list-${active}`,
              }
            : {})}
          // biome-ignore lint/a11y/noAutofocus: it is what one comes to a chat for
          autoFocus={sendsOnEnter}
          onCompositionStart={enter.onCompositionStart}
          onCompositionUpdate={enter.onCompositionUpdate}
          onCompositionEnd={enter.onCompositionEnd}
          onKeyDown={(event) => {
            if (isForList(event)) return;
            if (event.key === "Escape" && !event.nativeEvent.isComposing) stop?.();
            if (sendsOnEnter) enter.onKeyDown(event);
          }}
          onKeyUp={enter.onKeyUp}
        />
        <ComposerBar
          meter={isBusy ? null : meter?.(withAttachments(text, attachments))}
          canSend={!isBusy && (text.trim() !== "" || attachments.length > 0)}
          send={() => submit(text)}
          stop={isBusy ? stop : undefined}
          isStopping={isStopping}
        />
      </Box>
    </Box>
  );
}
