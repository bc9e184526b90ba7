/**
 * The log of a conversation's messages. It scrolls to new text unless the visitor has scrolled back.
 *
 * @module
 */
import type { Message } from "./ConversationStore.ts"
import { icon, make } from "./Dom.ts"
import { isRetryable } from "./Failures.ts"
import * as Limits from "./Limits.ts"
import { makeMarkdown } from "./Markdown.ts"
import { makeRenderQueue } from "./RenderQueue.ts"
import { fill, type Strings, sentenceOf } from "./Strings.ts"

export interface Options {
  /** Read each time a text is shown. */
  readonly strings: Strings
  /** The visitor wants to send the last message again. */
  readonly onRetry: () => void
}

/** An answer that is being received. */
export interface Answer {
  readonly write: (delta: string) => void
  /**
   * Ends the answer, with a reason if it is incomplete. The promise resolves once the answer is rendered, with the note that
   * is shown below it, or an empty text. It never resolves if the transcript is reset before.
   */
  readonly end: (reason?: Message["ended"]) => Promise<string>
}

export interface Transcript {
  /** The log, and the button that scrolls to its end. */
  readonly elements: ReadonlyArray<HTMLElement>
  readonly log: HTMLElement
  readonly addQuestion: (text: string) => void
  /** Starts an answer. `onText` receives the rendered text. */
  readonly addAnswer: (onText: (text: string) => void) => Answer
  /** Removes the last answer before a retry. */
  readonly removeAnswer: () => void
  /** Replaces all messages. */
  readonly reset: (messages: ReadonlyArray<Message>) => void
  readonly scrollToEnd: () => void
  /** Updates all texts except the notes below answers. */
  readonly relabel: () => void
}

export const makeTranscript = (options: Options): Transcript => {
  const { strings } = options
  const log = make("div", {
    part: "log",
    role: "log",
    // `Speech` announces answers instead.
    "aria-live": "off",
    tabindex: "0"
  })
  const latest = make("button", { part: "button latest", type: "button", hidden: "" }, icon("down"))
  let isPinned = true

  const scrollToEnd = (): void => {
    isPinned = true
    latest.hidden = true
    log.scrollTop = log.scrollHeight
  }
  const queue = makeRenderQueue()
  // Also follows size changes without new text: browsers estimate the size of messages that are out of sight.
  const resizeObserver = new ResizeObserver(() => isPinned && scrollToEnd())
  let lastScrollTop = 0
  log.onscroll = () => {
    const { clientHeight, scrollHeight, scrollTop } = log
    isPinned = scrollHeight - scrollTop - clientHeight < Limits.maxDistance || (isPinned && scrollTop >= lastScrollTop)
    lastScrollTop = scrollTop
    latest.hidden = isPinned
  }
  latest.onclick = () => {
    scrollToEnd()
    log.focus()
  }

  /** Updates the label that tells screen readers who wrote a message. */
  const label = (root: Element): void => {
    root.firstElementChild!.textContent = root.matches(".message-user") ? strings.you : fill(strings.agent, strings)
  }

  const message = (role: Message["role"]): readonly [root: HTMLElement, body: HTMLElement] => {
    const body = make("div", { class: "body", dir: "auto" })
    const root = make("div", { part: `message message-${role}` }, make("span", { class: "heard" }), body)
    label(root)
    log.append(root)
    resizeObserver.observe(root)
    return [root, body]
  }

  const [welcome, greeting] = message("agent")

  const addQuestion = (text: string): void => {
    const question = makeMarkdown(message("user")[1])
    question.write(text)
    queue.add(question.renderNext)
    scrollToEnd()
  }

  const retryButton = (wait: number): HTMLElement => {
    const button = make("button", { part: "retry", type: "button" })
    const end = performance.now() + wait * 1000
    const left = (): number => Math.ceil((end - performance.now()) / 1000)
    const show = (): void => {
      const isWaiting = left() > 0
      button.textContent = isWaiting ? fill(strings.retryIn, { seconds: left() }) : strings.retry
      // A `disabled` button would lose the focus.
      button.ariaDisabled = String(isWaiting)
      if (isWaiting) setTimeout(() => button.isConnected && show(), 250)
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
    let isWritten = false
    let length = 0
    const renderNext = (): number => {
      const units = text.renderNext()
      length += units
      if (length > Limits.maxAuto && body.dir === "auto") body.dir = getComputedStyle(body).direction
      return units
    }
    const finish = (reason: Message["ended"]): string => {
      root.classList.remove("writing")
      body.hidden = !isWritten
      if (typeof reason === "object") {
        const sentence = sentenceOf(reason, strings)
        const box = make("div", { part: "error" }, make("p", {}, sentence))
        if (isRetryable(reason)) box.append(retryButton(reason.retryAfter ?? 0))
        root.append(box)
        return sentence
      }
      const note = reason ? strings.stopped : isWritten ? "" : strings.empty
      if (note) root.append(make("p", { part: "note" }, note))
      return note
    }
    return {
      write: (delta) => {
        isWritten = true
        text.write(delta)
        queue.add(renderNext)
      },
      end: (reason) =>
        new Promise((resolve) => {
          queue.add(() => {
            text.end()
            const units = renderNext()
            if (units === 0) resolve(finish(reason))
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
          // The wait before a retry is over.
          answer.end(typeof ended === "object" ? { ...ended, retryAfter: 0 } : ended)
        }
      }
      scrollToEnd()
    },
    scrollToEnd,
    relabel: () => {
      log.ariaLabel = strings.log
      latest.ariaLabel = strings.latest
      greeting.textContent = strings.greeting
      welcome.hidden = strings.greeting === ""
      for (const root of log.children) label(root)
    }
  }
}
