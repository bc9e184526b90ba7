/**
 * `<hydracore-chat>`: a conversation with an instance's agent. Attributes:
 *
 * - `instance` and `token`: the ids from the website's snippet.
 * - `heading`: the title of the panel.
 * - `strings`: replacements for the texts of `Strings`, as JSON.
 * - `base`: the edge's address, by default that of the script.
 * - `theme`: `light` or `dark`, by default the visitor's preference.
 * - `open`: the panel of a new conversation is open.
 *
 * @module
 */
import * as Client from "./Client.ts"
import * as Store from "./ConversationStore.ts"
import { chatUrl } from "./Endpoint.ts"
import type { Failure } from "./Failures.ts"
import { makePanel, narrowWindow, type Panel } from "./Panel.ts"
import { makeSpeech, type Speech } from "./Speech.ts"
import { type Strings, withReplacements } from "./Strings.ts"
import { sheet } from "./Style.ts"
import { makeTranscript, type Transcript } from "./Transcript.ts"

/** A question whose answer is being received. */
interface Run {
  readonly stop: AbortController
  /** The answer so far. */
  text: string
}

interface Parts {
  readonly panel: Panel
  readonly speech: Speech
  readonly transcript: Transcript
  readonly strings: Strings
  readonly instance: string
}

/** The failure of an answer whose page was left before its end. */
const cut: Failure = { kind: "cut" }

export class HydracoreChat extends HTMLElement {
  static readonly observedAttributes = ["instance", "heading", "strings"]

  #parts: Parts | undefined
  #conversation: Store.Conversation = Store.empty
  #run: Run | undefined
  /** The stored conversation when the page was left. */
  #storedAtLeave: string | null = null
  readonly #onPageHide = (): void => {
    this.#save()
    this.#storedAtLeave = Store.loadJson(this.#parts!.instance)
  }
  /** A page from the back-forward cache may have missed messages that other pages have stored. */
  readonly #onPageShow = ({ persisted }: PageTransitionEvent): void => {
    if (persisted && this.#storedAtLeave !== Store.loadJson(this.#parts!.instance)) this.#rebuild()
  }

  constructor() {
    super()
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet]
  }

  /** Opens the panel. */
  show(): void {
    this.#parts?.panel.show()
  }

  /** Closes the panel. */
  hide(): void {
    this.#parts?.panel.hide()
  }

  connectedCallback(): void {
    addEventListener("pagehide", this.#onPageHide)
    addEventListener("pageshow", this.#onPageShow)
    if (this.#parts === undefined) this.#build()
    else {
      // Moving the element closed a modal dialog and reset the log's scroll position.
      this.#parts.panel.reopen()
      this.#parts.transcript.scrollToEnd()
    }
  }

  disconnectedCallback(): void {
    // An element that replaces this one loads the conversation at once.
    this.#save()
    // An element that is only moved is connected again by then.
    setTimeout(() => {
      if (this.isConnected) return
      removeEventListener("pagehide", this.#onPageHide)
      removeEventListener("pageshow", this.#onPageShow)
      this.#dispose()
    })
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    // Frameworks may set an attribute to its present value.
    if (this.#parts === undefined || before === after) return
    if (name === "instance") {
      this.#save()
      this.#rebuild()
    } else {
      Object.assign(this.#parts.strings, this.#readStrings())
      this.#parts.panel.relabel()
    }
  }

  #readStrings(): Strings {
    return withReplacements(this.getAttribute("strings"), this.getAttribute("heading"))
  }

  #rebuild(): void {
    this.#dispose()
    this.#build()
  }

  #abort(): void {
    this.#run?.stop.abort()
    this.#run = undefined
  }

  #dispose(): void {
    this.#abort()
    this.#parts?.transcript.reset([])
    this.#parts?.panel.dispose()
    this.#parts = undefined
    this.shadowRoot!.replaceChildren()
  }

  #build(): void {
    const instance = this.getAttribute("instance") ?? ""
    const strings = this.#readStrings()
    const speech = makeSpeech()
    const transcript = makeTranscript({
      strings,
      onRetry: () => this.#retry()
    })
    const panel = makePanel({
      strings,
      transcript,
      speech,
      onSend: (message) => {
        this.#addMessage({ role: "user", text: message })
        transcript.addQuestion(message)
        this.#ask(message)
      },
      onStop: () => this.#run?.stop.abort(),
      onNew: () => this.#startNewConversation(),
      onToggle: (open) => {
        this.#conversation = { ...this.#conversation, open }
        this.#save()
      }
    })
    this.#parts = { panel, speech, transcript, strings, instance }
    this.#conversation = Store.load(instance)
    this.shadowRoot!.replaceChildren(...panel.elements)
    panel.setBusy(false)
    panel.input.value = this.#conversation.draft
    transcript.reset(this.#conversation.messages)
    // A panel that fills the window does not open by itself.
    const open = this.#conversation.open || (this.hasAttribute("open") && this.#conversation.messages.length === 0)
    if (open && !matchMedia(narrowWindow).matches) panel.show(false)
  }

  #addMessage(message: Store.Message): void {
    this.#conversation = {
      ...this.#conversation,
      messages: Store.limitMessages([...this.#conversation.messages, message])
    }
    this.#save()
  }

  /** Stores the conversation, including an incomplete answer and the typed message. */
  #save(): void {
    if (this.#parts === undefined) return
    const { messages } = this.#conversation
    Store.save(this.#parts.instance, {
      ...this.#conversation,
      messages: this.#run === undefined ? messages : [...messages, { role: "agent", text: this.#run.text, ended: cut }],
      draft: this.#parts.panel.input.value
    })
  }

  #startNewConversation(): void {
    this.#abort()
    this.#conversation = { ...Store.empty, open: this.#conversation.open }
    this.#save()
    this.#parts?.panel.setBusy(false)
    this.#parts?.transcript.reset([])
    this.#parts?.speech.say(this.#parts.strings.cleared)
  }

  #retry(): void {
    const { messages } = this.#conversation
    const last = messages.findLastIndex(({ role }) => role === "user")
    const question = messages[last]
    if (this.#run !== undefined || question === undefined) return
    this.#conversation = { ...this.#conversation, messages: messages.slice(0, last + 1) }
    this.#parts!.transcript.removeAnswer()
    this.#parts!.panel.input.focus()
    this.#ask(question.text)
  }

  async #ask(message: string): Promise<void> {
    const { instance, panel, speech, strings, transcript } = this.#parts!
    const run: Run = { stop: new AbortController(), text: "" }
    this.#run = run
    panel.setBusy(true)
    speech.reset()
    speech.say(strings.answering)
    const answer = transcript.addAnswer(speech.add)
    const outcome = await this.#send(message, instance, run, answer.write)
    // A new conversation was started or the element was removed.
    if (this.#run !== run) return
    this.#run = undefined
    const ended = outcome === "done" ? undefined : outcome
    this.#addMessage({ role: "agent", text: run.text, ended })
    const note = await answer.end(ended)
    speech.flush()
    if (note) speech.say(note)
    panel.setBusy(false)
    if (!panel.isOpen()) panel.setUnread(true)
  }

  async #send(message: string, instance: string, run: Run, write: (delta: string) => void): Promise<Client.Outcome> {
    const url = chatUrl(instance, {
      script: import.meta.url,
      base: this.getAttribute("base"),
      page: document.baseURI
    })
    if (url === undefined) return { kind: "missing" }
    return Client.ask(
      { url, token: this.getAttribute("token") ?? "", message, conversationId: this.#conversation.id },
      {
        onConversation: (id) => {
          if (this.#run === run) this.#conversation = { ...this.#conversation, id }
        },
        onText: (delta) => {
          if (this.#run !== run) return
          run.text += delta
          write(delta)
        }
      },
      run.stop
    )
  }
}
