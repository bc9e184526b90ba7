/**
 * Waits for the whole answer of a chat, for clients that do not read streams.
 *
 * @module
 */
import { Effect } from "effect"
import type * as ChatStream from "../core/chat/stream/ChatStream.ts"
import type { Chat } from "./Chat.ts"

export interface WholeAnswer extends Pick<ChatStream.State, "failure" | "finishReason" | "sources" | "usage"> {
  readonly text: string
}

/** Reads a chat to its end. The chat must have begun with `OpenAiCompletion.plainText` and without a heartbeat. */
export const read = (chat: Chat): Effect.Effect<WholeAnswer> =>
  Effect.callback((resume) => {
    let whole = ""
    const take = (text: string | undefined): void => {
      if (text === undefined) {
        const { failure, finishReason, sources, usage } = chat.current
        resume(Effect.succeed({ failure, finishReason, sources, text: whole, usage }))
      } else {
        whole += text
        // `next` may call back at once.
        queueMicrotask(() => chat.next(take))
      }
    }
    chat.next(take)
  })
