/**
 * The conversation of this tab: holds it in memory, stores it, and shares it with the other tabs.
 *
 * @module
 */
import * as Store from "./ConversationStore.ts"
import { nameOf } from "./ConversationStore.ts"
import type { Failure } from "./Failures.ts"
import * as Limits from "./Limits.ts"
import { messageOf, type Run } from "./Run.ts"

interface Tabs {
  /** Sends a conversation, as encoded by `ConversationStore`, to the other tabs. */
  readonly send: (json: string) => void
  /** Stops listening. An open channel would keep a page out of the back-forward cache. */
  readonly close: () => void
}

/**
 * Claims the next question for this tab, for `maxClaim`, once no other tab has a claim. Waits at most `maxClaimWait`: the timers of
 * a tab in the background may be slow. Without TLS, or without access to storage, browsers have no locks, and each tab has its claim.
 */
const claimQuestion = (instance: string, onEnd: () => void): Promise<void> =>
  new Promise((resolve) => {
    const hold = (): Promise<void> => {
      resolve()
      return new Promise<void>((end) => setTimeout(end, Limits.maxClaim)).then(onEnd)
    }
    // `locks` is missing without TLS, which its type leaves out.
    const locks = navigator.locks as LockManager | undefined
    if (locks === undefined) return resolve()
    const waiting = new AbortController()
    setTimeout(() => waiting.abort(), Limits.maxClaimWait)
    locks.request(nameOf(instance), { signal: waiting.signal }, hold).catch(() => {
      onEnd()
      resolve()
    })
  })

/**
 * Joins the other tabs that have a chat of the instance, and requests their conversation.
 *
 * @param current encodes this tab's conversation; undefined if it was never used
 * @param onConversation called with the conversation of another tab
 */
const joinTabs = (
  instance: string,
  current: () => string | undefined,
  onConversation: (conversation: Store.Conversation) => void
): Tabs => {
  let channel: BroadcastChannel
  try {
    channel = new BroadcastChannel(nameOf(instance))
  } catch {
    // Firefox denies channels together with storage.
    return { send: () => {}, close: () => {} }
  }
  channel.onmessage = ({ data }) => {
    if (typeof data === "string") onConversation(Store.parse(data))
    else {
      const json = current()
      if (json !== undefined) channel.postMessage(json)
    }
  }
  channel.postMessage(null)
  return {
    send: (json) => channel.postMessage(json),
    close: () => channel.close()
  }
}

/** The failure of an answer that did not end before its page was left. */
const cut: Failure = { kind: "cut" }

const questionsOf = ({ messages }: Store.Conversation): ReadonlyArray<string> =>
  messages.filter(({ role }) => role === "user").map(({ text }) => text)

/** Whether another tab's conversation is newer. Of two that changed in the same millisecond, both tabs choose the same. */
const isNewer = (theirs: Store.Conversation, ours: Store.Conversation): boolean =>
  theirs.updated > ours.updated ||
  (theirs.updated === ours.updated && theirs.running && questionsOf(theirs).join() > questionsOf(ours).join())

export class SharedConversation {
  readonly instance: string
  /** The conversation without the answer that is being received. */
  conversation: Store.Conversation
  run: Run | undefined
  readonly #draft: () => string
  #tabs: Tabs | undefined
  #claimed: Promise<void> | undefined

  /** @param draft returns the message that is typed but not sent */
  constructor(instance: string, draft: () => string) {
    this.instance = instance
    this.conversation = Store.load(instance)
    this.#draft = draft
  }

  /** Joins the other tabs. `onNewer` receives a conversation that is newer than this tab's and differs from it. */
  join(onNewer: (theirs: Store.Conversation) => void): void {
    this.#tabs?.close()
    this.#tabs = joinTabs(
      this.instance,
      () => (this.conversation.updated > 0 ? this.#encode() : undefined),
      (theirs) => {
        if (!isNewer(theirs, this.conversation)) return
        if (this.#isKnown(theirs)) this.conversation = { ...this.conversation, updated: theirs.updated }
        else onNewer(theirs)
      }
    )
  }

  /** Whether this tab already shows the newer conversation of another tab, or itself receives the running answer. */
  #isKnown(theirs: Store.Conversation): boolean {
    const { conversation, run } = this
    if (run === undefined) {
      return !theirs.running && JSON.stringify(theirs.messages) === JSON.stringify(conversation.messages)
    }
    const isSameTurn = theirs.id === conversation.id && questionsOf(theirs).join() === questionsOf(conversation).join()
    const isStopped = !theirs.running && theirs.messages.at(-1)?.ended === "stopped"
    return isSameTurn && run.mode !== "wait" && !isStopped
  }

  /** Claims the next question for this tab. By then, the question of a tab with an earlier claim has arrived here. */
  claim(): Promise<void> {
    this.#claimed ??= claimQuestion(this.instance, () => {
      this.#claimed = undefined
    })
    return this.#claimed
  }

  add(message: Store.Message): void {
    const messages = Store.limitMessages([...this.conversation.messages, message])
    this.conversation = { ...this.conversation, messages }
  }

  /** Shares the rating of a message, if the conversation still has the message. */
  rate(messageId: string, rating: Store.Rating): void {
    const { messages } = this.conversation
    if (!messages.some(({ id }) => id === messageId)) return
    this.share({ messages: messages.map((one) => (one.id === messageId ? { ...one, rating } : one)) })
  }

  /** Removes the answer to the last question, and returns the question. Undefined if there is none. */
  removeAnswer(): Store.Message | undefined {
    const { messages } = this.conversation
    const last = messages.findLastIndex(({ role }) => role === "user")
    if (last >= 0) this.conversation = { ...this.conversation, messages: messages.slice(0, last + 1) }
    return messages[last]
  }

  /** Whether the device was offline when the last question was sent. */
  get isUnsent(): boolean {
    const ended = this.conversation.messages.at(-1)?.ended
    return typeof ended === "object" && ended.kind === "offline"
  }

  /** Stores the conversation, including the received part of a running answer. */
  save(): void {
    Store.save(this.instance, this.#encode())
  }

  /** Changes the conversation, stores it as the newest, and sends it to the other tabs. */
  share(change: Partial<Store.Conversation> = {}): void {
    const updated = Math.max(Date.now(), this.conversation.updated + 1)
    this.conversation = { ...this.conversation, ...change, updated }
    this.save()
    this.#tabs?.send(this.#encode())
  }

  /** Stores the conversation if there is anything to store. */
  saveIfUsed(): void {
    const { open, updated } = this.conversation
    if (updated > 0 || open || this.#draft() !== "") this.save()
  }

  /** Stores the conversation if there is anything to store, and leaves the other tabs. */
  leave(): void {
    const { conversation, run } = this
    const { messages, updated } = conversation
    // Another tab receives the answer. With an older `updated`, the next page takes the conversation of that tab.
    if (run?.mode === "wait") this.conversation = { ...conversation, updated: updated - 1 }
    this.saveIfUsed()
    // Other tabs can resume an answer only if the edge stores it. Of any other answer, they get the part that was received.
    if (run?.mode === "send" && run.id !== undefined && !conversation.memory) {
      const partial = { ...conversation, messages: [...messages, messageOf(run, cut)] }
      this.#tabs?.send(Store.encode({ ...partial, updated: Math.max(Date.now(), updated + 1) }))
    }
    this.#tabs?.close()
    this.#tabs = undefined
  }

  #encode(): string {
    const { conversation, run } = this
    const { messages } = conversation
    return Store.encode({
      ...conversation,
      messages: run === undefined ? messages : [...messages, messageOf(run, cut)],
      running: run !== undefined,
      draft: this.#draft()
    })
  }
}
