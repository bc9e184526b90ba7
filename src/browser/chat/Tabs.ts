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
 * Claims the next question for this tab, for `maxClaim`, once no other tab has a claim. Waits at most `maxClaimWait`: the timers of
 * a tab in the background may be slow. Without TLS, or without access to storage, browsers have no locks, and each tab has its claim.
 */
export const claimQuestion = (instance: string, onEnd: () => void): Promise<void> =>
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
