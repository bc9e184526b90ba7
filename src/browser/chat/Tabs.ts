/**
 * Shares a conversation between the tabs of a website. Each tab stores a copy in its `sessionStorage`, so no copy outlives
 * the last tab.
 *
 * @module
 */
import * as Store from "./ConversationStore.ts"
import * as Limits from "./Limits.ts"
import { nameOf } from "./StoredJson.ts"

export interface Tabs {
  /** Sends a conversation, as encoded by `ConversationStore`, to the other tabs. */
  readonly send: (json: string) => void
  /** Stops listening. An open channel would keep a page out of the back-forward cache. */
  readonly close: () => void
}

/**
 * Claims the next question for this tab, for `maxClaim`. Returns false if another tab has a claim. Without TLS, or without access
 * to storage, browsers have no locks: each tab gets its claim.
 */
export const claimQuestion = (instance: string, onEnd: () => void): Promise<boolean> =>
  new Promise((resolve) => {
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      resolve(lock !== null)
      if (lock === null) return
      return new Promise<void>((end) => setTimeout(end, Limits.maxClaim)).then(onEnd)
    }
    const name = nameOf(instance)
    // `locks` is missing without TLS, which its type leaves out.
    const locks = navigator.locks as LockManager | undefined
    if (locks === undefined) resolve(true)
    else locks.request(name, { ifAvailable: true }, hold).catch(() => resolve(true))
  })

/**
 * Joins the other tabs that have a chat of the instance, and requests their conversation.
 *
 * @param current encodes this tab's conversation; undefined if it was never used
 * @param onConversation called with the conversation of another tab
 */
export const joinTabs = (
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
