/** The field where messages are written. Enter sends, also within a Hangul syllable; Shift+Enter breaks the line. */
import Box from "@mui/material/Box";
import { useQueryClient } from "@tanstack/react-query";
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
import { EnterKey } from "@/lib/ime";
import { whenIdle } from "@/ui/late-part";
import { MAX_INLINE_CHARACTERS, withAttachments } from "../attachment";
import { ContextMeter } from "../context-meter/context-meter";
import { type DraftPlace, usePreview } from "../context-meter/use-preview";
import { type DocumentPlace, useDocumentMeans } from "../documents/means";
import { type ChangeDraft, type Draft, NEW_CHAT, useDraft } from "../drafts";
import { type ModelChoice, troubleOf } from "../model-choice";
import { newId } from "../pending";
import { Chips, Notices, preloadParts, Queue } from "../writing/parts";
import type { MessageQueue } from "../writing/queued-list";
import { ComposerBar } from "./composer-bar";
import { useFiles } from "./use-files";
import { type Sending, useSending } from "./use-sending";

const PresetList = lazy(() => import("./preset-list").then((module) => ({ default: module.PresetList })));

const TYPING_EVERY_MS = 3000;

interface Props {
  /** A chat's id, or "new": drafts are kept by it. null: they are not kept. */
  place: string | null;
  choice: ModelChoice;
  send: (content: string, draft: Draft) => Promise<Sending>;
  /** What waits for the answer that is being written; with it, so does what is sent meanwhile. */
  queue?: MessageQueue;
  /** Stops the answer that is being written. */
  stop?: (() => void) | undefined;
  /** It was told to stop. */
  isStopping?: boolean;
  /** Where the draft would stand, once that is known: what it costs is told then. */
  cost?: DraftPlace | null;
  onTyping?: (() => void) | undefined;
  /** Below the field: what else belongs to the draft. */
  children?: ReactNode;
}

export function Composer(props: Props) {
  const { place, choice, send, queue, stop, isStopping = false, cost = null, onTyping, children } = props;
  const { t } = useTranslation();
  const [draft, change] = useDraft(place);
  const { text, attachments } = draft;
  const [active, setActive] = useState(0);
  const [isListLeft, setListLeft] = useState(false); // by Escape, until the next letter
  const field = useRef<HTMLTextAreaElement>(null);
  const lastTyping = useRef(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: its height follows its text
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  useEffect(() => whenIdle(preloadParts), []);
  const { preview, isOfDraft } = usePreview(stop ? null : cost, withAttachments(text, attachments));
  const trouble = troubleOf(choice);
  const isTooLong = isOfDraft && Boolean(preview?.too_long);
  const documents = useDocumentMeans();
  const queries = useQueryClient();
  const [isChoosing, setChoosing] = useState(false);
  const [numUploads, setNumUploads] = useState(0);
  const isOff = isTooLong || numUploads > 0 || (trouble !== null && trouble !== "loading");
  const { submit, isSending, isWaiting, write } = useSending({ draft, change, send, isOff });
  const latest = useRef(submit);
  useEffect(() => {
    latest.current = submit;
  });
  const enter = useMemo(() => new EnterKey((value) => latest.current(value)), []);
  const shelf = documents && placeOf(place, draft, write);
  const files = useFiles(
    (read) => write((before) => ({ attachments: [...before.attachments, ...read] })),
    shelf && ((given) => documents.attach(given, shelf, queries)),
  );

  const presets = presetsFor(text, usePresets());
  const isListOpen = presets.length > 0 && !isListLeft;
  const choose = ({ name, text: of, systemPrompt }: Preset) =>
    write({ text: of, preset: systemPrompt ? { name, systemPrompt } : undefined });

  const type = (value: string) => {
    write(value === "" ? { text: value, preset: undefined } : { text: value });
    files.forget();
    setActive(0);
    setListLeft(false);
    const now = Date.now();
    if (!onTyping || now - lastTyping.current < TYPING_EVERY_MS) return;
    lastTyping.current = now;
    onTyping();
  };
  const paste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData.getData("text/plain");
    const { files: given } = event.clipboardData;
    if (pasted ? pasted.length <= MAX_INLINE_CHARACTERS : !given?.length) return;
    event.preventDefault();
    if (pasted) write((before) => ({ attachments: [...before.attachments, { id: newId(), text: pasted }] }));
    else files.take([...given]); // a text that is copied from a spreadsheet has its picture beside it
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
  const isEmpty = text.trim() === "" && attachments.length === 0;
  const hasNotice = trouble || preview?.too_long || files.refused.length > 0 || isWaiting;
  return (
    <Box sx={{ width: "100%", maxWidth: 780, mx: "auto", px: { xs: 1, sm: 2 }, pb: { xs: 1, sm: 2 } }}>
      {queue && queue.messages.length > 0 && <Queue.Part queue={queue} />}
      <Box
        sx={{
          border: 1,
          borderStyle: files.isOver || place === null ? "dashed" : "solid",
          borderColor: files.isOver ? "primary.main" : "divider",
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
        {hasNotice && <Notices.Part choice={choice} preview={preview} refused={files.refused} isWaiting={isWaiting} />}
        {attachments.length > 0 && (
          <Chips.Part attachments={attachments} change={(changed) => write({ attachments: changed })} />
        )}
        {shelf && (
          <documents.Shelf
            place={shelf}
            preview={isOfDraft ? preview : undefined}
            isChoosing={isChoosing}
            stopChoosing={() => setChoosing(false)}
            onUploads={setNumUploads}
          />
        )}
        <Suspense>{isListOpen && <PresetList presets={presets} active={active} choose={choose} />}</Suspense>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          value={text}
          onChange={(event) => type(event.target.value)}
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
          choice={choice}
          attach={files.take}
          choose={shelf && (() => setChoosing(true))}
          meter={stop || trouble ? null : <ContextMeter preview={preview} />}
          canSend={!isEmpty && !isOff && !isSending}
          send={() => submit(text)}
          stop={stop}
          isStopping={isStopping}
          isSendShown={!stop || !isEmpty}
        />
      </Box>
      {children}
    </Box>
  );
}

/** Whose documents are shown at the field; null: nobody's, for nothing is kept there. */
function placeOf(place: string | null, { documents }: Draft, write: ChangeDraft): DocumentPlace | null {
  if (place !== NEW_CHAT) return place === null ? null : { sessionId: place };
  const none = { document_ids: [], collection_ids: [] };
  return {
    ids: documents ?? none,
    change: (of) => write((before) => ({ documents: of(before.documents ?? none) })),
  };
}
