/**
 * `chat-panel.js`: the chat without its button. `chat.js` loads it when the visitor opens the chat, or has used it in this tab
 * before.
 *
 * A page may have loaded `chat.js` of an older version, so `start` and the methods of its result must not change.
 *
 * @module
 */
import { Chat } from "./chat/Chat.ts"
import type { RunningChat } from "./chat/PanelLoader.ts"
import { sheet } from "./chat/Style.ts"

/** Starts the chat of an element with its button. */
export const start = (host: HTMLElement, launcher: HTMLButtonElement): RunningChat => {
  host.shadowRoot!.adoptedStyleSheets.push(sheet)
  return new Chat(host, launcher)
}
