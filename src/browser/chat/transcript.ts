/**
 * Shows a conversation's messages, and keeps the last one in sight for those who read along.
 *
 * @module
 */
import { heard, icon, make } from "./dom.ts"
import { type Failure, isRetryable } from "./failures.ts"
import { markdown } from "./markdown.ts"
import type { Message } from "./store.ts"
import { fill, type Strings } from "./strings.ts"

export interface Options {
  readonly strings: Strings
  readonly heading: string
  readonly sentenceOf: (failure: Failure) => string
  /** Sends the last message once more. */
  readonly onRetry: () => void
}

/** An answer that is being written. */
export interface Answer {
  readonly write: (delta: string) => void
  /** Ends it; with a reason if it is not whole. */
  readonly end: (reason?: Message["ended"]) => void
}

export interface Transcript {
  /** What is put into the panel: the log, and the button that leads to its end. */
  readonly elements: ReadonlyArray<HTMLElement>
  readonly log: HTMLElement
  readonly addQuestion: (text: string) => void
  /** Begins an answer. `onText` hears it as it is shown. */
  readonly addAnswer: (onText: (text: string) => void) => Answer
  /** Takes the last answer away, for it is asked for once more. */
  readonly removeAnswer: () => void
  /** Shows these and nothing else. */
  readonly reset: (messages: ReadonlyArray<Message>) => void
  readonly toEnd: () => void
}

/** Nearer to the end than this (CSS pixels) counts as there. */
const nearly = 48

/** From this length (UTF-16 units) a piece of an answer is put in before its direction is looked for. */
const long = 1000

export const makeTranscript = (options: Options): Transcript => {
  const { strings } = options
  const log = make("div", {
    part: "log",
    role: "log",
    // What is new is spoken by `speech`, in sentences.
    "aria-live": "off",
    "aria-label": strings.log,
    tabindex: "0"
  })
  const latest = make(
    "button",
    { part: "button latest", type: "button", "aria-label": strings.latest, hidden: "" },
    icon("down")
  )
  let pinned = true

  const toEnd = (): void => {
    pinned = true
    latest.hidden = true
    log.scrollTop = log.scrollHeight
  }
  const follow = (): void => {
    if (pinned) toEnd()
  }
  log.addEventListener("scroll", () => {
    pinned = log.scrollHeight - log.scrollTop - log.clientHeight < nearly
    latest.hidden = pinned
  })
  latest.addEventListener("click", () => {
    toEnd()
    log.focus()
  })

  const message = (role: Message["role"], label: string): readonly [root: HTMLElement, body: HTMLElement] => {
    const body = make("div", { class: "body", dir: "auto" })
    const root = make("div", { part: `message message-${role}` }, heard(label), body)
    log.append(root)
    return [root, body]
  }

  const agentMessage = () => message("agent", fill(strings.agent, { heading: options.heading }))

  const addQuestion = (text: string): void => {
    message("user", strings.you)[1].append(text)
    toEnd()
  }

  const retryButton = (wait: number): HTMLElement => {
    const button = make("button", { part: "retry", type: "button" })
    const end = performance.now() + wait * 1000
    const left = (): number => Math.ceil((end - performance.now()) / 1000)
    const show = (): void => {
      const waiting = left() > 0
      button.textContent = waiting ? fill(strings.retryIn, { seconds: left() }) : strings.retry
      // Not `disabled`: that would take the focus away.
      button.setAttribute("aria-disabled", String(waiting))
      if (waiting) setTimeout(() => button.isConnected && show(), 250)
    }
    button.addEventListener("click", () => {
      if (left() <= 0) options.onRetry()
    })
    show()
    return button
  }

  const addAnswer = (onText: (text: string) => void): Answer => {
    const [root, body] = agentMessage()
    root.classList.add("writing")
    follow()
    const text = markdown(body, onText)
    let written = false
    return {
      write: (delta) => {
        written = true
        // For each element that comes below an `auto`, a browser looks through all that came before.
        if (delta.length > long) body.dir = ""
        text.write(delta)
        body.dir ||= "auto"
        follow()
      },
      end: (reason) => {
        text.end()
        root.classList.remove("writing")
        const note = reason === "stopped" ? strings.stopped : reason === undefined && !written && strings.empty
        if (note) root.append(make("p", { part: "note" }, note))
        else if (reason !== undefined && reason !== "stopped") {
          const box = make("div", { part: "error" }, make("p", {}, options.sentenceOf(reason)))
          if (isRetryable(reason)) box.append(retryButton(reason.retryAfter ?? 0))
          root.append(box)
        }
        body.hidden = !written
        follow()
      }
    }
  }

  const greet = (): void => {
    if (strings.greeting !== "") agentMessage()[1].append(make("p", {}, strings.greeting))
  }

  return {
    elements: [log, latest],
    log,
    addQuestion,
    addAnswer,
    removeAnswer: () => {
      if (log.lastElementChild?.matches(".message-agent")) log.lastElementChild.remove()
    },
    reset: (messages) => {
      log.replaceChildren()
      greet()
      for (const { ended, role, text } of messages) {
        if (role === "user") addQuestion(text)
        else {
          const answer = addAnswer(() => {})
          if (text !== "") answer.write(text)
          // What had to be waited for is long over.
          answer.end(typeof ended === "object" ? { ...ended, retryAfter: 0 } : ended)
        }
      }
      toEnd()
    },
    toEnd
  }
}
