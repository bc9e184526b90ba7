/**
 * Announces text to screen readers, one sentence at a time.
 *
 * @module
 */
import { make } from "./Dom.ts"
import * as Limits from "./Limits.ts"
import { makeSentenceSplitter } from "./Sentences.ts"

export interface Speech {
  /** The live region. Screen readers announce nothing while it is inside a hidden element, such as the closed panel. */
  readonly region: HTMLElement
  readonly say: (sentence: string) => void
  /** Discards an incomplete sentence. */
  readonly reset: () => void
  /** Adds a piece of text, and announces each sentence that it completes. */
  readonly add: (piece: string) => void
  /** Announces an incomplete sentence. */
  readonly flush: () => void
}

export const makeSpeech = (): Speech => {
  // Not `role=status`: screen readers repeat its whole text at every change.
  const region = make("div", { class: "sr-only", "aria-live": "polite" })
  const splitter = makeSentenceSplitter()
  let timer: ReturnType<typeof setTimeout> | undefined
  const say = (sentence: string): void => {
    region.append(make("p", {}, sentence))
    while (region.children.length > Limits.maxSpoken) region.firstChild?.remove()
    // Removed after a while: otherwise a screen reader that reads line by line finds the text twice, here and in the log.
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
