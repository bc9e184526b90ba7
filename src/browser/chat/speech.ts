/**
 * Speaks to those who hear the page: sentences, as they are completed, and never tokens.
 *
 * @module
 */
import { make } from "./dom.ts"
import * as Limits from "./Limits.ts"
import { makeCutter } from "./sentences.ts"

export interface Speech {
  /** What speaks; to be put where it is not hidden. */
  readonly region: HTMLElement
  /** Says a whole sentence. */
  readonly say: (sentence: string) => void
  /** Forgets what was not completed. */
  readonly reset: () => void
  /** Takes the next piece of a text and says every sentence that it completed. */
  readonly add: (piece: string) => void
  /** Says what is left of it. */
  readonly flush: () => void
}

export const makeSpeech = (): Speech => {
  // Not `role=status`: that one is read as a whole at every change, again and again.
  const region = make("div", { class: "heard", "aria-live": "polite" })
  const cutter = makeCutter()
  const say = (sentence: string): void => {
    region.append(make("p", {}, sentence))
    while (region.children.length > Limits.kept) region.firstChild?.remove()
  }
  return {
    region,
    say,
    reset: cutter.flush,
    add: (piece) => cutter.add(piece).forEach(say),
    flush: () => cutter.flush().forEach(say)
  }
}
