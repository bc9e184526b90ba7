/**
 * Shows a conversation's messages, and keeps the last one in sight for those who read along.
 *
 * @module
 */
import { icon, make } from "./dom.ts"
import { isRetryable } from "./failures.ts"
import * as Limits from "./Limits.ts"
import { makeMarkdown } from "./markdown.ts"
import { makeRenderQueue } from "./RenderQueue.ts"
import type { Message } from "./store.ts"
import { fill, type Strings, sentenceOf } from "./strings.ts"

export interface Options {
  /** Read anew whenever a text is shown. */
  readonly strings: Strings
  /** Sends the last message once more. */
  readonly onRetry: () => void
}

/** An answer that is being written. */
export interface Answer {
  readonly write: (delta: string) => void
  /**
   * Ends it, with a reason if it is incomplete. The promise resolves once the answer is rendered, with the sentence that is
   * shown below it, or an empty text.
   */
  readonly end: (reason?: Message["ended"]) => Promise<string>
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
  /** Puts the texts in place, as they are now; how an answer ended stays as it was said. */
  readonly relabel: () => void
}

export const makeTranscript = (options: Options): Transcript => {
  const { strings } = options
  const log = make("div", {
    part: "log",
    role: "log",
    // What is new is spoken by `speech`, in sentences.
    "aria-live": "off",
    tabindex: "0"
  })
  const latest = make("button", { part: "button latest", type: "button", hidden: "" }, icon("down"))
  let pinned = true

  const toEnd = (): void => {
    pinned = true
    latest.hidden = true
    log.scrollTop = log.scrollHeight
  }
  const queue = makeRenderQueue()
  // Besides new text, this sees the sizes that browsers estimate while a message is out of sight.
  const resized = new ResizeObserver(() => pinned && toEnd())
  let scrolled = 0
  log.onscroll = () => {
    const { clientHeight, scrollHeight, scrollTop } = log
    pinned = scrollHeight - scrollTop - clientHeight < Limits.nearly || (pinned && scrollTop >= scrolled)
    scrolled = scrollTop
    latest.hidden = pinned
  }
  latest.onclick = () => {
    toEnd()
    log.focus()
  }

  /** Puts before a message what is heard and not seen: whose it is. */
  const label = (root: Element): void => {
    root.firstElementChild!.textContent = root.matches(".message-user") ? strings.you : fill(strings.agent, strings)
  }

  const message = (role: Message["role"]): readonly [root: HTMLElement, body: HTMLElement] => {
    const body = make("div", { class: "body", dir: "auto" })
    const root = make("div", { part: `message message-${role}` }, make("span", { class: "heard" }), body)
    label(root)
    log.append(root)
    resized.observe(root)
    return [root, body]
  }

  const [welcome, greeting] = message("agent")

  const addQuestion = (text: string): void => {
    const question = makeMarkdown(message("user")[1])
    question.write(text)
    queue.add(question.renderNext)
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
      button.ariaDisabled = String(waiting)
      if (waiting) setTimeout(() => button.isConnected && show(), 250)
    }
    button.onclick = () => {
      if (left() <= 0) options.onRetry()
    }
    show()
    return button
  }

  const addAnswer = (onText: (text: string) => void): Answer => {
    const [root, body] = message("agent")
    root.classList.add("writing")
    const text = makeMarkdown(body, onText)
    let written = false
    let length = 0
    const renderNext = (): number => {
      const units = text.renderNext()
      length += units
      if (length > Limits.maxAuto && body.dir === "auto") body.dir = getComputedStyle(body).direction
      return units
    }
    const finish = (reason: Message["ended"]): string => {
      root.classList.remove("writing")
      body.hidden = !written
      if (typeof reason === "object") {
        const sentence = sentenceOf(reason, strings)
        const box = make("div", { part: "error" }, make("p", {}, sentence))
        if (isRetryable(reason)) box.append(retryButton(reason.retryAfter ?? 0))
        root.append(box)
        return sentence
      }
      const note = reason ? strings.stopped : written ? "" : strings.empty
      if (note) root.append(make("p", { part: "note" }, note))
      return note
    }
    return {
      write: (delta) => {
        written = true
        text.write(delta)
        queue.add(renderNext)
      },
      end: (reason) =>
        new Promise((resolve) => {
          queue.add(() => {
            text.end()
            const units = renderNext()
            if (units === 0) {
              resolve(finish(reason))
            }
            return units
          })
        })
    }
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
      queue.clear()
      log.replaceChildren(welcome)
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
    toEnd,
    relabel: () => {
      log.ariaLabel = strings.log
      latest.ariaLabel = strings.latest
      greeting.textContent = strings.greeting
      welcome.hidden = strings.greeting === ""
      for (const root of log.children) label(root)
    }
  }
}
