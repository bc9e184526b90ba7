/**
 * `chat-panel.js`: everything of the chat but its button. `chat.js` loads it when the visitor opens the chat, or has used it
 * in this tab before.
 *
 * A page may hold an older `chat.js` than this version. So `start` and the methods of what it returns must not change.
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
