/**
 * Announces text to screen readers, one sentence at a time.
 *
 * @module
 */
import { make } from "./Dom.ts"
import * as Limits from "./Limits.ts"
import { makeSentenceSplitter } from "./Sentences.ts"

export interface Speech {
  /** The live region. It must not be inside a hidden element. */
  readonly region: HTMLElement
  readonly say: (sentence: string) => void
  /** Discards an incomplete sentence. */
  readonly reset: () => void
  /** Adds a piece of a text, and says every sentence that is now complete. */
  readonly add: (piece: string) => void
  /** Says an incomplete sentence. */
  readonly flush: () => void
}

export const makeSpeech = (): Speech => {
  // Not `role=status`: screen readers repeat its whole text at every change.
  const region = make("div", { class: "heard", "aria-live": "polite" })
  const splitter = makeSentenceSplitter()
  let timer: ReturnType<typeof setTimeout> | undefined
  const say = (sentence: string): void => {
    region.append(make("p", {}, sentence))
    while (region.children.length > Limits.maxSpoken) region.firstChild?.remove()
    // What was said is no part of the page: a visitor who reads it line by line finds it in the log.
    clearTimeout(timer)
    timer = setTimeout(() => region.replaceChildren(), Limits.maxSpokenTime)
  }
  return {
    region,
    say,
    reset: splitter.flush,
    add: (piece) => splitter.add(piece).forEach(say),
    flush: () => splitter.flush().forEach(say)
  }
}
