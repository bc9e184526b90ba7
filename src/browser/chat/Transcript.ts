/**
 * The log of a conversation's messages. It scrolls to new text unless the visitor has scrolled back.
 *
 * @module
 */
import { type Answer, makeAnswer } from "./Answer.ts"
import type { Message, Rating } from "./ConversationStore.ts"
import { icon, make } from "./Dom.ts"
import * as Limits from "./Limits.ts"
import { makeMarkdown } from "./Markdown.ts"
import { makeRenderQueue } from "./RenderQueue.ts"
import type { Strings } from "./Strings.ts"
import { fill } from "./Texts.ts"

export interface Options {
  /** Read each time a text is shown. */
  readonly strings: Strings
  /** The visitor wants to send the last message again. */
  readonly onRetry: () => void
  /** Stores the visitor's rating of an answer. Returns whether it is stored. */
  readonly onRate: (messageId: string, rating: Rating) => Promise<boolean>
}

/** Returns the id of an answer's message, or undefined if the answer cannot be rated. */
type MessageId = () => string | undefined

export interface Transcript {
  /** The log, and the button that scrolls to its end. */
  readonly elements: ReadonlyArray<HTMLElement>
  readonly log: HTMLElement
  readonly addQuestion: (text: string) => void
  /** Starts an answer. `onText` receives the rendered text. `messageId` is called at the answer's end. */
  readonly addAnswer: (onText: (text: string) => void, messageId: MessageId) => Answer
  /** Removes the last answer before it is received again. */
  readonly removeAnswer: () => void
  /** Replaces all messages. */
  readonly reset: (messages: ReadonlyArray<Message>, isRateable: boolean) => void
  /** Shows messages that the visitor can send by pressing them, until there is a first message. */
  readonly suggest: (suggestions: ReadonlyArray<string>, onSend: (message: string) => void) => void
  readonly scrollToEnd: () => void
  /** Updates all texts except those inside answers. */
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
  const suggestions = make("div", { part: "suggestions" })
  let isPinned = true
  let lastScrollTop = 0

  const scrollToEnd = (): void => {
    isPinned = true
    latest.hidden = true
    log.scrollTop = log.scrollHeight
    // When the log becomes shorter, its position moves, although the visitor has not scrolled back.
    lastScrollTop = log.scrollTop
  }
  const queue = makeRenderQueue()
  /** If a table is wider than its answer, makes the table scrollable by keyboard, with a label that says so. */
  const markTable = (table: Element): void => {
    const isWide = table.scrollWidth > table.clientWidth
    table.role = isWide ? "region" : null
    table.ariaLabel = isWide ? strings.scroll : null
    table.toggleAttribute("tabindex", isWide)
    if (isWide) table.setAttribute("tabindex", "0")
  }
  // The log also follows changes of size without new text: browsers estimate the size of messages that are out of sight, and a
  // phone's keyboard makes the log smaller.
  const resizeObserver = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.matches(".table")) markTable(target)
    if (isPinned) scrollToEnd()
  })
  resizeObserver.observe(log)
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

  /** Updates the label with which screen readers announce who wrote a message. */
  const label = (root: Element): void => {
    root.firstElementChild!.textContent = root.matches(".message-user") ? strings.you : fill(strings.agent, strings)
  }

  const message = (role: Message["role"]): readonly [root: HTMLElement, body: HTMLElement] => {
    const body = make("div", { class: "body", dir: "auto" })
    const root = make("div", { part: `message message-${role}` }, make("span", { class: "sr-only" }), body)
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

  const addAnswer = (onText: (text: string) => void, messageId: MessageId): Answer => {
    const [root, body] = message("agent")
    const answer = makeAnswer({
      strings,
      queue,
      root,
      body,
      onText,
      onRetry: options.onRetry,
      onRate: () => {
        const id = messageId()
        return id ? (rating) => options.onRate(id, rating) : undefined
      }
    })
    return {
      ...answer,
      end: async (reason, rating) => {
        const note = await answer.end(reason, rating)
        for (const table of body.querySelectorAll(".table")) resizeObserver.observe(table)
        return note
      }
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
    reset: (messages, isRateable) => {
      queue.clear()
      log.replaceChildren(welcome, suggestions)
      for (const { ended, id, rating, role, sources = [], text } of messages) {
        if (role === "user") addQuestion(text)
        else {
          const answer = addAnswer(
            () => {},
            () => (isRateable ? id : undefined)
          )
          if (text !== "") answer.write(text)
          sources.forEach(answer.addSource)
          // The start of the wait before a retry is not stored, so the wait counts as over.
          answer.end(typeof ended === "object" ? { ...ended, retryAfter: 0 } : ended, rating)
        }
      }
      scrollToEnd()
    },
    suggest: (texts, onSend) => {
      suggestions.replaceChildren(
        ...texts.map((text) => {
          const button = make("button", { part: "suggestion", type: "button", dir: "auto" }, text)
          button.onclick = () => onSend(text)
          return button
        })
      )
    },
    scrollToEnd,
    relabel: () => {
      log.ariaLabel = strings.log
      latest.ariaLabel = strings.latest
      greeting.textContent = strings.greeting
      welcome.hidden = strings.greeting === ""
      for (const root of log.children) if (root !== suggestions) label(root)
    }
  }
}
