/**
 * `chat-panel.js`: the chat without its button. `chat.js` loads it when the visitor is about to open the chat, when the panel
 * may have to open by itself, or when this tab has stored a conversation.
 *
 * A page may have loaded `chat.js` of an older version, so `start` and the methods of its result must not change.
 *
 * @module
 */
import { Chat } from "./chat/Chat.ts"
import type { RunningChat } from "./chat/PanelLoader.ts"
import { sheet } from "./chat/Style.ts"

/** Starts the chat of the element `host`, whose button is `launcher`. */
export const start = (host: HTMLElement, launcher: HTMLButtonElement): RunningChat => {
  host.shadowRoot!.adoptedStyleSheets.push(sheet)
  return new Chat(host, launcher)
}
