/**
 * What a visitor does and sees in the chats of a page. Scripts of the page act and look: the first locator in a page takes as much
 * processor time as loading the page. Tests of the keyboard and the mouse press keys and buttons themselves.
 *
 * @module
 */
import { setTimeout } from "node:timers/promises"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { until } from "../Wait.ts"

/**
 * A script that calls `attempt` with the shadow roots of the chats, at once and after each change of the page, until `attempt`
 * returns true. That takes a third of the processor time of repeated calls from this process.
 */
const whenSeen = (attempt: string): string => `new Promise((resolve) => {
  let isDone = false
  const observed = new Set()
  const observe = (root) => {
    if (observed.has(root)) return
    observed.add(root)
    observer.observe(root, { attributes: true, characterData: true, childList: true, subtree: true })
  }
  const look = () => {
    if (isDone) return
    const roots = [...document.querySelectorAll("hydracore-chat")].flatMap(({ shadowRoot }) => shadowRoot ?? [])
    roots.forEach(observe)
    if (!(${attempt})(roots)) return
    isDone = true
    observer.disconnect()
    resolve(true)
  }
  const observer = new MutationObserver(look)
  observe(document)
  look()
  customElements.whenDefined("hydracore-chat").then(look)
})`

/** An expression: whether `read` has this text, which matches whatever the case and the white space of both. */
const has = (text: string | RegExp, read: string): string => {
  const plain = `${read}.replace(/\\s+/g, " ").trim()`
  return text instanceof RegExp
    ? `${text}.test(${plain})`
    : `${plain}.toLowerCase().includes(${JSON.stringify(text.toLowerCase())})`
}

/** An expression: the visible buttons of `roots` and of the page around them whose label has this text. */
const buttons = (label: string | RegExp): string =>
  `[document, ...roots].flatMap((root) => [...root.querySelectorAll("button")]).filter((button) =>
    button.checkVisibility() && ${has(label, "(button.ariaLabel ?? button.textContent)")})`

/** Presses the only visible button with this label, as soon as there is one. */
const pressButton = (label: string | RegExp): string =>
  whenSeen(`(roots) => {
    const [button, ...others] = ${buttons(label)}
    if (button === undefined || others.length > 0 || button.disabled) return false
    button.focus()
    button.click()
    return true
  }`)

/** Resolves when the newest answer of the only chat with messages is complete and has this text. */
const awaitAnswer = (text: string | RegExp): string =>
  whenSeen(`(roots) => {
    const text = ${text instanceof RegExp ? text : JSON.stringify(text)}
    const answers = roots.flatMap((root) => [...root.querySelectorAll(".message-agent:last-child:not(.writing) .body")])
    if (answers.length !== 1) return false
    const read = answers[0].textContent.trim()
    return typeof text === "string" ? read === text : text.test(read)
  }`)

/** Resolves when the newest answer contains this text. */
const awaitPart = (text: string): string =>
  whenSeen(`(roots) => roots
    .flatMap((root) => [...root.querySelectorAll(".message-agent:last-child .body")])
    .some((body) => body.checkVisibility() && ${has(text, "body.textContent")})`)

/** Resolves when the last of the smallest elements with this text is visible. */
const awaitText = (text: string | RegExp): string =>
  whenSeen(`(roots) => {
    const has = (element) => ${has(text, "element.textContent")}
    const last = [document.body, ...roots]
      .flatMap((root) => [...root.querySelectorAll(":not(script, style)")])
      .filter((element) => has(element) && ![...element.children].some(has))
      .at(-1)
    return last !== undefined && last.checkVisibility()
  }`)

/**
 * Types a message into the only visible field. If it is sent, types it as soon as the chat can send it, and presses Enter. During an
 * answer, it would stay in the field.
 */
const typeMessage = (text: string, isSent: boolean): string =>
  whenSeen(`(roots) => {
    const fields = roots
      .flatMap((root) => [...root.querySelectorAll("textarea")])
      .filter((field) => field.ariaLabel === "Your message" && field.checkVisibility() && !field.disabled)
    if (fields.length !== 1) return false
    const [field] = fields
    if (${isSent} && field.getRootNode().querySelector("button.send").hidden) return false
    const text = ${JSON.stringify(text)}
    field.focus()
    field.value = text
    field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true, data: text }))
    if (${isSent}) {
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, composed: true }))
    }
    return true
  }`)

/** Calls a function with the shadow roots of the chats. */
const inRoots = (use: string): string =>
  `(${use})([...document.querySelectorAll("hydracore-chat")].flatMap(({ shadowRoot }) => shadowRoot ?? []))`

export const on = (page: Page) => {
  /** Does something once. */
  const act = (what: string, script: string) =>
    Effect.promise(() =>
      Promise.race([
        page.evaluate(script),
        setTimeout(30_000, undefined, { ref: false }).then(() => {
          throw new Error(`The chat has not shown ${what}`)
        })
      ])
    )

  /** Waits for something, also if the visitor goes to another page meanwhile. */
  const wait = (what: string, script: string) =>
    until(what, () =>
      Promise.race([
        page.evaluate<boolean>(script).catch((error: unknown) => {
          if (page.isClosed()) throw error
          return false
        }),
        setTimeout(5000, false, { ref: false })
      ])
    )

  const read = <A>(use: string) => page.evaluate<A>(inRoots(use))

  const bodies = (message: string) =>
    read<ReadonlyArray<string>>(`(roots) => roots
      .flatMap((root) => [...root.querySelectorAll("${message} .body")])
      .filter((body) => body.checkVisibility())
      .map((body) => body.textContent)`)

  return {
    /** Presses the only visible button with this label, as soon as there is one. */
    press: (label: string | RegExp) => act(`one button ${label}`, pressButton(label)),
    /** Waits for a visible button with this label. */
    offers: (label: string | RegExp) =>
      wait(`the button ${label}`, whenSeen(`(roots) => ${buttons(label)}.length > 0`)),
    /** The number of visible buttons with this label. */
    countOf: (label: string | RegExp) => read<number>(`(roots) => ${buttons(label)}.length`),
    /** Sends a message. */
    send: (text: string) => act(`a visible field for the message ${text}`, typeMessage(text, true)),
    /** Types a message without sending it. */
    type: (text: string) => act(`a visible field for the message ${text}`, typeMessage(text, false)),
    /** Waits until the newest answer is complete and has this text. */
    answered: (text: string | RegExp) => wait(`the answer ${text}`, awaitAnswer(text)),
    /** Waits until the newest answer contains this text. */
    answering: (text: string) => wait(`the part ${text} of an answer`, awaitPart(text)),
    /** Waits until this text is visible. */
    sees: (text: string | RegExp) => wait(`the text ${text}`, awaitText(text)),
    /** Waits until the log shows a failure with this text. */
    fails: (text: string | RegExp) =>
      wait(
        `the failure ${text}`,
        whenSeen(`(roots) => roots
          .flatMap((root) => [...root.querySelectorAll(".log .error")])
          .some((error) => error.checkVisibility() && ${has(text, "error.textContent")})`)
      ),
    /** Presses the button for a new conversation, and waits until there is one. */
    renew: Effect.andThen(
      act("the button for a new conversation", pressButton("New conversation")),
      wait(
        "an empty conversation",
        whenSeen('(roots) => roots.flatMap((root) => [...root.querySelectorAll(".message")]).length === 1')
      )
    ),
    /** The texts of the agent's visible messages, the greeting first. */
    answers: () => bodies(".message-agent"),
    /** The texts of all visible messages. */
    texts: () => bodies(".message"),
    /** The texts in the live region, oldest first. */
    spoken: () =>
      read<ReadonlyArray<string>>(`(roots) => roots
        .flatMap((root) => [...root.querySelectorAll("[aria-live=polite] p")])
        .map((sentence) => sentence.textContent)`),
    /** The labels of the pressed buttons. */
    pressed: () =>
      read<ReadonlyArray<string>>(`(roots) => roots
        .flatMap((root) => [...root.querySelectorAll("button[aria-pressed=true]")])
        .map((button) => button.ariaLabel)`),
    /** The text of the message that is not sent. */
    typed: () => read<string>(`(roots) => roots.map((root) => root.querySelector("textarea")?.value ?? "").join("")`),
    /** Waits until the panel is open. */
    opened: wait("the open panel", whenSeen('(roots) => roots.some((root) => root.querySelector("dialog")?.open)')),
    /** The number of elements of a selector in the chats. */
    count: (selector: string) =>
      read<number>(`(roots) => roots.flatMap((root) => [...root.querySelectorAll(${JSON.stringify(selector)})]).length`)
  }
}
