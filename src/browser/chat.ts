/**
 * `<script type="module" src="…/v1/public/chat.js">`: defines `<hydracore-chat>`. Every page of a website loads it, so it
 * contains only the button. It loads the rest of the chat, `chat-panel.js`, when the chat is needed.
 *
 * @module
 */
import { HydracoreChat } from "./chat/ChatElement.ts"
import { isClassic } from "./chat/PanelLoader.ts"

if (isClassic) {
  console.warn(
    '<hydracore-chat>: the script tag of chat.js lacks type="module". Add it, so that the page does not wait for the script.'
  )
}
// A page may load the script twice.
if (customElements.get("hydracore-chat") === undefined) customElements.define("hydracore-chat", HydracoreChat)
