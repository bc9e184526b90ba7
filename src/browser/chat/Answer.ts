/**
 * Shows one answer while it arrives: its text, what the agent does meanwhile, its sources, how it ended, and the buttons to
 * rate it and to copy its code.
 *
 * @module
 */

import { safeHref } from "./Addresses.ts"
import type { Message, Rating } from "./ConversationStore.ts"
import { icon, make } from "./Dom.ts"
import { isRetryable } from "./Failures.ts"
import type { Source } from "./Frames.ts"
import * as Limits from "./Limits.ts"
import { makeMarkdown } from "./Markdown.ts"
import type { RenderQueue } from "./RenderQueue.ts"
import { type Strings, sentenceOf } from "./Strings.ts"
import { fill } from "./Texts.ts"

/** An answer that is being received. */
export interface Answer {
  readonly write: (delta: string) => void
  readonly addSource: (source: Source) => void
  /** The titles of the sources, for an announcement. Empty without sources. */
  readonly sourcesText: () => string
  /** Shows what the agent does. An empty text shows nothing. */
  readonly setActivity: (sentence: string) => void
  /**
   * Ends the answer, with its rating, and with a reason if the answer is incomplete. Once the answer is rendered, the promise
   * resolves with the note or error that is shown below it, or with an empty text. If the transcript is reset before that, the
   * promise never resolves.
   */
  readonly end: (reason?: Message["ended"], rating?: Rating) => Promise<string>
}

/** Stores the visitor's rating. Returns whether it is stored. */
type OnRate = (rating: Rating) => Promise<boolean>

export interface Options {
  /** Read each time a text is shown. */
  readonly strings: Strings
  readonly queue: RenderQueue
  /** The message and its body. */
  readonly root: HTMLElement
  readonly body: HTMLElement
  /** Receives the rendered text. */
  readonly onText: (text: string) => void
  /** The visitor wants to send the last message again. */
  readonly onRetry: () => void
  /** Returns what receives the visitor's rating, or undefined if the answer cannot be rated. Called at the answer's end. */
  readonly onRate: () => OnRate | undefined
}

const retryButton = (waitSeconds: number, { onRetry, strings }: Options): HTMLElement => {
  const button = make("button", { part: "retry", type: "button" })
  const end = performance.now() + waitSeconds * 1000
  const left = (): number => Math.ceil((end - performance.now()) / 1000)
  const show = (): void => {
    const isWaiting = left() > 0
    button.textContent = isWaiting ? fill(strings.retryIn, { seconds: left() }) : strings.retry
    // A `disabled` button would lose the focus.
    button.ariaDisabled = String(isWaiting)
    if (isWaiting) setTimeout(() => button.isConnected && show(), 250)
  }
  button.onclick = () => {
    if (left() <= 0) onRetry()
  }
  show()
  return button
}

const ratings = ["up", "down"] as const

const ratingButtons = (strings: Strings, onRate: OnRate, rating?: Rating): HTMLElement => {
  let stored = rating
  let chosen = rating
  const show = (): void => {
    for (const [index, button] of buttons.entries()) button.ariaPressed = String(ratings[index] === chosen)
  }
  const buttons = ratings.map((name) => {
    const button = make("button", { part: `button rate rate-${name}`, type: "button" }, icon("thumb"))
    button.ariaLabel = name === "up" ? strings.good : strings.bad
    button.onclick = async () => {
      chosen = name
      show()
      if (await onRate(name)) stored = name
      else if (chosen === name) {
        chosen = stored
        show()
      }
    }
    return button
  })
  show()
  return make("div", { part: "rating" }, ...buttons)
}

/** Copies the text of an element. Without access to the clipboard, as on pages without TLS, copies a selection of the text. */
const copyText = async (code: HTMLElement): Promise<void> => {
  try {
    await navigator.clipboard.writeText(code.textContent)
  } catch {
    getSelection()?.selectAllChildren(code)
    document.execCommand("copy")
  }
}

const addCopyButton = (pre: HTMLElement, strings: Strings): void => {
  // The style sheet shows the label, so that it is not part of the answer's text.
  const button = make("button", { part: "copy", type: "button", "aria-label": strings.copy })
  button.onclick = async () => {
    await copyText(pre)
    button.ariaLabel = strings.copied
    setTimeout(() => {
      button.ariaLabel = strings.copy
    }, 2000)
  }
  const box = make("div", { class: "code" })
  pre.replaceWith(box)
  box.append(pre, button)
}

/** Makes the view of an answer in the message `root`. */
export const makeAnswer = (options: Options): Answer => {
  const { body, queue, root, strings } = options
  const text = makeMarkdown(body, options.onText)
  const activity = make("p", { part: "note activity", hidden: "" })
  const urls = new Set<string>()
  const list = make("ol")
  let isWritten = false
  let length = 0
  root.classList.add("writing")
  body.before(activity)

  const renderNext = (): number => {
    const units = text.renderNext()
    length += units
    if (length > Limits.maxAuto && body.dir === "auto") body.dir = getComputedStyle(body).direction
    return units
  }

  const finish = (reason: Message["ended"], rating?: Rating): string => {
    root.classList.remove("writing")
    activity.remove()
    body.hidden = !isWritten
    for (const pre of Array.from(body.querySelectorAll("pre")).slice(0, Limits.maxCopyButtons))
      addCopyButton(pre, strings)
    if (typeof reason === "object") {
      const sentence = sentenceOf(reason, strings)
      const box = make("div", { part: "error" }, make("p", {}, sentence))
      if (isRetryable(reason)) box.append(retryButton(reason.retryAfter ?? 0, options))
      root.append(box)
      return sentence
    }
    const note = reason ? strings.stopped : isWritten ? "" : strings.empty
    if (note) root.append(make("p", { part: "note" }, note))
    const onRate = options.onRate()
    if (onRate && isWritten) root.append(ratingButtons(strings, onRate, rating))
    return note
  }

  return {
    write: (delta) => {
      isWritten = true
      text.write(delta)
      queue.add(renderNext)
    },
    addSource: ({ title, url }) => {
      const href = /^https?:/i.test(url) && safeHref(url, url)
      if (!href || urls.has(href) || urls.size === Limits.maxSources) return
      if (urls.size === 0) root.append(make("div", { part: "sources" }, make("p", {}, strings.sources), list))
      urls.add(href)
      const link = make(
        "a",
        { href, target: "_blank", rel: "noopener noreferrer", dir: "auto", title: href },
        title || new URL(href).host
      )
      list.append(make("li", {}, link))
    },
    sourcesText: () => {
      const titles = Array.from(list.children, ({ textContent }) => textContent)
      return titles.length === 0 ? "" : `${strings.sources}: ${titles.join(", ")}`
    },
    setActivity: (sentence) => {
      activity.hidden = sentence === ""
      activity.textContent = sentence
    },
    end: (reason, rating) =>
      new Promise((resolve) => {
        queue.add(() => {
          text.end()
          const units = renderNext()
          if (units === 0) resolve(finish(reason, rating))
          return units
        })
      })
  }
}
