/**
 * Enter sends, also in the middle of a Hangul syllable: once, whole, with one press.
 *
 * A Korean types "안녕하세요⏎" while 요 is still being composed. Sending at keydown loses or doubles 요; ignoring the
 * key while composing makes everybody press twice. So that Enter is remembered and the committed text is sent when the
 * composition ends. Browsers differ in the order:
 *
 *   Chrome, Firefox   keydown Enter (composing) → compositionend [→ macOS: keydown Enter again]
 *   Safari            compositionend → keydown Enter (keyCode 229, not composing)
 *
 * In Japanese and Chinese, Enter picks a candidate and must not send: the composed text says which case it is.
 */

interface Press {
  key: string;
  keyCode: number;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  repeat: boolean;
  nativeEvent: { isComposing: boolean };
  currentTarget: { value: string };
  preventDefault(): void;
}

interface Composition {
  data: string;
  currentTarget: { value: string };
}

const HANGUL = /\p{Script=Hangul}$/u;
/** keydown's keyCode when the input method has taken the key. */
const TAKEN_BY_IME = 229;

/** Handlers for one text field. `send` gets its text; whether it is empty is for `send` to judge. */
export class EnterKey {
  readonly #send: (text: string) => void;
  #isComposing = false;
  #composed = "";
  #sendsWhenComposed = false;
  /** This press has sent: what else it brings is the same press. */
  #hasSent = false;

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  readonly onCompositionStart = (): void => {
    this.#isComposing = true;
    this.#composed = "";
  };

  readonly onCompositionUpdate = (event: Composition): void => {
    this.#composed = event.data;
  };

  readonly onCompositionEnd = (event: Composition): void => {
    this.#isComposing = false;
    this.#composed = event.data || this.#composed;
    if (!this.#sendsWhenComposed) return;
    this.#sendsWhenComposed = false;
    this.#hasSent = true;
    this.#send(event.currentTarget.value);
  };

  readonly onKeyDown = (event: Press): void => {
    if (event.key !== "Enter") {
      // A key that is not Enter is another press. The input method hides the key's name while it composes.
      if (event.keyCode !== TAKEN_BY_IME) this.#hasSent = false;
      return;
    }
    if (event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    const isHangul = HANGUL.test(this.#composed);
    if (this.#isComposing || event.nativeEvent.isComposing) {
      if (!isHangul) return;
      event.preventDefault();
      this.#sendsWhenComposed = true;
      return;
    }
    if (event.keyCode === TAKEN_BY_IME && !isHangul) return; // Safari: it picked a candidate
    event.preventDefault();
    if (this.#hasSent || event.repeat) return;
    this.#hasSent = true;
    this.#send(event.currentTarget.value);
  };

  readonly onKeyUp = (event: { key: string }): void => {
    if (event.key === "Enter") this.#hasSent = false;
  };
}
