/**
 * `<hydracore-chat>`: a conversation with an instance's agent.
 *
 * Attributes: `instance` and `token`, which a website's owner is given; `heading`; `strings`, other texts as JSON;
 * `base`, the edge's address where it is not the script's; `theme`, `light` or `dark`; `open`, to begin open.
 *
 * @module
 */
import * as Client from "./client.ts"
import { chatUrl } from "./endpoint.ts"
import type { Failure } from "./failures.ts"
import { makePanel, narrow, type Panel } from "./panel.ts"
import { makeSpeech, type Speech } from "./speech.ts"
import * as Store from "./store.ts"
import { replaced, type Strings } from "./strings.ts"
import { sheet } from "./style.ts"
import { makeTranscript, type Transcript } from "./transcript.ts"

/** One question on its way. */
interface Run {
  readonly stop: AbortController
  /** What was said so far. */
  text: string
}

interface Parts {
  readonly panel: Panel
  readonly speech: Speech
  readonly transcript: Transcript
  readonly strings: Strings
  readonly instance: string
}

/** What ended a stream of which nobody saw the end. */
const cut: Failure = { kind: "cut" }

export class HydracoreChat extends HTMLElement {
  static readonly observedAttributes = ["instance", "heading", "strings"]

  #parts: Parts | undefined
  #conversation: Store.Conversation = Store.empty
  #run: Run | undefined
  /** What was kept when the page was left. */
  #left: string | null = null
  readonly #leave = (): void => {
    this.#save()
    this.#left = Store.kept(this.#parts!.instance)
  }
  /** The page was kept alive: what was said meanwhile on others is in the store alone. */
  readonly #back = ({ persisted }: PageTransitionEvent): void => {
    if (persisted && this.#left !== Store.kept(this.#parts!.instance)) this.#rebuild()
  }

  constructor() {
    super()
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet]
  }

  /** Opens the panel. */
  show(): void {
    this.#parts?.panel.show()
  }

  /** Closes it. */
  hide(): void {
    this.#parts?.panel.hide()
  }

  connectedCallback(): void {
    addEventListener("pagehide", this.#leave)
    addEventListener("pageshow", this.#back)
    if (this.#parts === undefined) this.#build()
    else {
      // It was moved: by that a panel is no longer before all else, and the log at its beginning.
      this.#parts.panel.replace()
      this.#parts.transcript.toEnd()
    }
  }

  disconnectedCallback(): void {
    // Another may take its place at once, and goes on with what is kept.
    this.#save()
    // An element that is only moved is connected again soon.
    setTimeout(() => {
      if (this.isConnected) return
      removeEventListener("pagehide", this.#leave)
      removeEventListener("pageshow", this.#back)
      this.#takeDown()
    })
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    // A framework may set what was set before.
    if (this.#parts === undefined || before === after) return
    if (name === "instance") {
      this.#save()
      this.#rebuild()
    } else {
      Object.assign(this.#parts.strings, this.#texts())
      this.#parts.panel.relabel()
    }
  }

  #texts(): Strings {
    return replaced(this.getAttribute("strings"), this.getAttribute("heading"))
  }

  #rebuild(): void {
    this.#takeDown()
    this.#build()
  }

  #abort(): void {
    this.#run?.stop.abort()
    this.#run = undefined
  }

  #takeDown(): void {
    this.#abort()
    this.#parts?.transcript.reset([])
    this.#parts?.panel.dispose()
    this.#parts = undefined
    this.shadowRoot!.replaceChildren()
  }

  #build(): void {
    const instance = this.getAttribute("instance") ?? ""
    const strings = this.#texts()
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
        this.#remember({ role: "user", text: message })
        transcript.addQuestion(message)
        this.#ask(message)
      },
      onStop: () => this.#run?.stop.abort(),
      onNew: () => this.#begin(),
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
    // A panel that fills the window is never in the way of a page that was just opened.
    const open = this.#conversation.open || (this.hasAttribute("open") && this.#conversation.messages.length === 0)
    if (open && !matchMedia(narrow).matches) panel.show(false)
  }

  #remember(message: Store.Message): void {
    this.#conversation = {
      ...this.#conversation,
      messages: Store.bounded([...this.#conversation.messages, message])
    }
    this.#save()
  }

  /** Keeps the conversation, with what was said of an answer that is not complete. */
  #save(): void {
    if (this.#parts === undefined) return
    const { messages } = this.#conversation
    Store.save(this.#parts.instance, {
      ...this.#conversation,
      messages: this.#run === undefined ? messages : [...messages, { role: "agent", text: this.#run.text, ended: cut }],
      draft: this.#parts.panel.input.value
    })
  }

  /** Begins a new conversation. */
  #begin(): void {
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
    // A new conversation has begun meanwhile, or the element is gone.
    if (this.#run !== run) return
    this.#run = undefined
    const ended = outcome === "done" ? undefined : outcome
    this.#remember({ role: "agent", text: run.text, ended })
    // Never resolves if a new conversation begins meanwhile.
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
