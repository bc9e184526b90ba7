/**
 * The chat of one element: connects the panel, the transcript, the conversation and the edge.
 *
 * @module
 */

import { chatUrl } from "./Addresses.ts"
import * as Client from "./Client.ts"
import { type Contact, makeContact } from "./Contact.ts"
import * as Store from "./ConversationStore.ts"
import { continuationOf } from "./ConversationStore.ts"
import { isLost } from "./Failures.ts"
import * as Limits from "./Limits.ts"
import { makePanel, narrowWindow, type Panel } from "./Panel.ts"
import type { RunningChat } from "./PanelLoader.ts"
import * as Run from "./Run.ts"
import { SharedConversation } from "./SharedConversation.ts"
import { makeSpeech, type Speech } from "./Speech.ts"
import { parseSuggestions, type Strings, withReplacements } from "./Strings.ts"
import { makeTranscript, type Transcript } from "./Transcript.ts"

interface Parts {
  readonly panel: Panel
  readonly speech: Speech
  readonly transcript: Transcript
  readonly strings: Strings
  readonly shared: SharedConversation
  readonly contact: Contact
}

export class Chat implements RunningChat {
  readonly #host: HTMLElement
  readonly #launcher: HTMLButtonElement
  #parts: Parts | undefined
  /** Whether the last question is sent as soon as the device is online. */
  #isUnsent = false
  /** The number of answers that this tab has begun to receive. */
  #answers = 0
  /** Whether the page was left. It may be restored from the back-forward cache. */
  #isLeft = false
  /** The time of the stored conversation's last change, read when the page was left. */
  #updatedAtLeave = 0

  readonly #onPageHide = (): void => {
    this.#isLeft = true
    this.#parts!.shared.leave()
    this.#updatedAtLeave = Store.load(this.#parts!.shared.instance).updated
  }
  /** A page from the back-forward cache may have missed messages that other pages have stored. */
  readonly #onPageShow = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted) return
    this.#isLeft = false
    if (this.#updatedAtLeave === Store.load(this.#parts!.shared.instance).updated) this.#join()
    else this.#rebuild()
  }
  readonly #onOnline = (): void => {
    if (this.#isUnsent) this.#retry()
  }

  constructor(host: HTMLElement, launcher: HTMLButtonElement) {
    this.#host = host
    this.#launcher = launcher
  }

  show(typed = ""): void {
    if (this.#parts === undefined) return
    this.#parts.panel.input.value += typed
    this.#parts.panel.show()
  }

  hide(): void {
    this.#parts?.panel.hide()
  }

  connected(): void {
    addEventListener("pagehide", this.#onPageHide)
    addEventListener("pageshow", this.#onPageShow)
    addEventListener("online", this.#onOnline)
    if (this.#parts === undefined) this.#build()
    else {
      // Moving the element closed a modal dialog and reset the log's scroll position.
      this.#parts.panel.reopen()
      this.#parts.transcript.scrollToEnd()
    }
  }

  disconnected(): void {
    // An element that replaces this one loads the conversation at once.
    this.#parts?.shared.saveIfUsed()
    // An element that is only moved is connected again by then.
    setTimeout(() => {
      if (this.#host.isConnected || this.#parts === undefined) return
      this.#parts.shared.leave()
      removeEventListener("pagehide", this.#onPageHide)
      removeEventListener("pageshow", this.#onPageShow)
      removeEventListener("online", this.#onOnline)
      this.#dispose()
    })
  }

  changed(name: string): void {
    if (this.#parts === undefined) return
    if (name === "instance") {
      this.#parts.shared.leave()
      this.#rebuild()
    } else {
      Object.assign(this.#parts.strings, this.#readStrings())
      this.#parts.panel.relabel()
      this.#parts.contact.relabel()
      this.#suggest()
    }
  }

  #readStrings(): Strings {
    return withReplacements(this.#host.getAttribute("strings"), this.#host.getAttribute("heading"))
  }

  #suggest(): void {
    const { panel, transcript } = this.#parts!
    const suggestions = parseSuggestions(this.#host.getAttribute("suggestions"))
    if (suggestions === undefined) console.error("<hydracore-chat>: `suggestions` is not a JSON list of texts.")
    transcript.suggest(suggestions ?? [], panel.send)
  }

  #endpoint(): Client.Endpoint | undefined {
    const url = chatUrl(this.#parts!.shared.instance, {
      script: import.meta.url,
      base: this.#host.getAttribute("base"),
      page: document.baseURI
    })
    if (url === undefined) return
    return {
      url,
      token: this.#host.getAttribute("token") ?? "",
      allowsLead: this.#host.getAttribute("data-leads") !== "off"
    }
  }

  #rebuild(): void {
    this.#dispose()
    this.#build()
  }

  #abort(): void {
    const { shared } = this.#parts!
    shared.run?.stop.abort()
    shared.run = undefined
    this.#isUnsent = false
  }

  #dispose(): void {
    const { panel, transcript } = this.#parts!
    this.#abort()
    transcript.reset([], false)
    panel.dispose()
    this.#parts = undefined
  }

  #build(): void {
    const strings = this.#readStrings()
    const speech = makeSpeech()
    const transcript = makeTranscript({
      strings,
      onRetry: () => this.#retry(),
      onRate: (id, rating) => this.#rate(id, rating)
    })
    const contact = makeContact({
      strings,
      speech,
      endpoint: () => this.#endpoint(),
      conversation: () => shared.conversation,
      onToggle: (isOpen) => panel.setComposer(!isOpen)
    })
    const panel = makePanel({
      contact: contact.element,
      launcher: this.#launcher,
      strings,
      transcript,
      speech,
      onSend: (message) => this.#send(message),
      onStop: () => {
        const { run } = shared
        this.#stopAtEdge()
        run?.stop.abort()
      },
      onNew: () => this.#startNewConversation(),
      onToggle: (open) => {
        shared.conversation = { ...shared.conversation, open }
        shared.save()
        if (open) contact.update()
      }
    })
    const shared: SharedConversation = new SharedConversation(
      this.#host.getAttribute("instance") ?? "",
      () => panel.input.value
    )
    this.#parts = { panel, speech, transcript, strings, shared, contact }
    this.#host.shadowRoot!.append(panel.dialog)
    this.#suggest()
    this.#join()
    const { draft, messages, open } = shared.conversation
    panel.input.value = draft
    this.#adopt(shared.conversation, false)
    // A panel that fills the window does not open by itself.
    const isWanted = open || (this.#host.hasAttribute("open") && messages.length === 0)
    if (isWanted && !matchMedia(narrowWindow).matches) panel.show(false)
  }

  #join(): void {
    const { panel, shared } = this.#parts!
    shared.join((theirs) => {
      const question = shared.run?.question
      this.#abort()
      // Both tabs have sent a message at the same moment.
      if (question !== undefined && !theirs.messages.some(({ text }) => text === question)) {
        panel.input.value ||= question
      }
      this.#adopt({ ...theirs, open: panel.isOpen() }, true)
      shared.save()
    })
    // Another tab may have sent the question meanwhile. Its conversation arrives before then.
    setTimeout(() => this.#parts?.shared === shared && this.#sendUnsent(), Limits.maxJoining)
  }

  /** Shows a conversation from the storage or of another tab, and continues to receive its running answer. */
  #adopt(stored: Store.Conversation, isOfAnotherTab: boolean): void {
    const { contact, panel, shared, transcript } = this.#parts!
    const { messages, running } = continuationOf(stored, isOfAnotherTab)
    shared.conversation = { ...stored, messages, running: false }
    panel.setBusy(false)
    transcript.reset(messages, stored.memory)
    if (panel.isOpen()) contact.update()
    if (running !== undefined) this.#receive(Run.makeRun(running.question, running.mode, running.partial))
  }

  #stopAtEdge(): void {
    const { conversation, run } = this.#parts!.shared
    const endpoint = this.#endpoint()
    if (run !== undefined && conversation.memory && conversation.id !== null && endpoint !== undefined) {
      Client.stopAnswer(endpoint, conversation.id)
    }
  }

  #startNewConversation(): void {
    const { contact, panel, shared, speech, strings, transcript } = this.#parts!
    this.#stopAtEdge()
    this.#abort()
    shared.share({ id: null, memory: false, messages: [] })
    panel.setBusy(false)
    transcript.reset([], false)
    contact.update()
    speech.say(strings.cleared)
  }

  /** If the device was offline when the last question was sent, sends it again as soon as the device is online. */
  #sendUnsent(): void {
    this.#isUnsent = this.#parts!.shared.isUnsent
    if (this.#isUnsent && navigator.onLine) this.#retry()
  }

  /** Whether this tab may send a question now. False if it has begun to receive an answer meanwhile. */
  async #claim(): Promise<boolean> {
    const { panel, shared } = this.#parts!
    const answers = this.#answers
    panel.setBusy(true)
    await shared.claim()
    if (this.#parts?.shared === shared && answers === this.#answers) return true
    panel.setBusy(shared.run !== undefined)
    return false
  }

  /** Sends a message. The text field keeps it if another tab sends one at the same moment. */
  async #send(message: string): Promise<void> {
    const { panel, shared, transcript } = this.#parts!
    const { input } = panel
    input.value ||= message
    if (!(await this.#claim())) return
    if (input.value.trim() === message) input.value = ""
    shared.add({ role: "user", text: message })
    transcript.addQuestion(message)
    this.#receive(Run.makeRun(message, "send"))
  }

  async #retry(): Promise<void> {
    const { panel, shared, transcript } = this.#parts!
    if (shared.run !== undefined || !(await this.#claim())) return
    const question = shared.removeAnswer()
    if (question === undefined) {
      panel.setBusy(false)
      return
    }
    transcript.removeAnswer()
    if (panel.isOpen()) panel.input.focus()
    this.#receive(Run.makeRun(question.text, "send"))
  }

  async #rate(messageId: string, rating: Store.Rating): Promise<boolean> {
    const { shared, speech, strings } = this.#parts!
    const { id } = shared.conversation
    const endpoint = this.#endpoint()
    const isStored = id !== null && endpoint !== undefined && (await Client.rate(endpoint, id, messageId, rating))
    if (isStored && this.#parts?.shared === shared) shared.rate(messageId, rating)
    speech.say(isStored ? strings.rated : strings.unexpected)
    return isStored
  }

  /** Receives the answer of a run, and shows how it ended. */
  async #receive(run: Run.Run): Promise<void> {
    const { contact, panel, shared, speech, strings, transcript } = this.#parts!
    shared.run = run
    this.#answers++
    this.#isUnsent = false
    panel.setBusy(true)
    speech.reset()
    if (run.mode === "send") {
      shared.share()
      speech.say(strings.answering)
    }
    const { answer, outcome } = await Run.receive(run, {
      endpoint: this.#endpoint(),
      conversation: () => shared.conversation,
      transcript,
      speech,
      strings,
      isCurrent: () => shared.run === run,
      onStart: ({ conversationId, memory }) => {
        const known = { id: conversationId || shared.conversation.id, memory }
        if (run.mode === "send") shared.share(known)
        else shared.conversation = { ...shared.conversation, ...known }
      }
    })
    // Browsers close connections shortly before the page is left. That is not a failure, so wait to see whether the page is left.
    if (isLost(outcome)) await new Promise((resolve) => setTimeout(resolve, Limits.maxLeaving))
    if (this.#isLeft) await new Promise((resolve) => addEventListener("pageshow", resolve, { once: true }))
    // The run was dropped or replaced meanwhile, such as by a new conversation.
    if (shared.run !== run) return
    shared.run = undefined
    const ended = outcome === "done" || outcome === "unknown" ? undefined : outcome
    shared.add(Run.messageOf(run, ended))
    // Another tab that receives the answer stores the same messages itself.
    if (run.mode === "send" || ended === "stopped") shared.share()
    else shared.save()
    const note = await answer.end(ended)
    speech.flush()
    for (const sentence of [note, answer.sourcesText()]) if (sentence) speech.say(sentence)
    panel.setBusy(false)
    if (panel.isOpen()) contact.update()
    else panel.setUnread(true)
    this.#sendUnsent()
  }
}
