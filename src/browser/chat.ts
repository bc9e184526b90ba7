/**
 * `<script type="module" src="…/v1/public/chat.js">`: defines `<hydracore-chat>`.
 *
 * @module
 */
import { HydracoreChat } from "./chat/ChatElement.ts"

// A page may load the script twice.
if (customElements.get("hydracore-chat") === undefined) customElements.define("hydracore-chat", HydracoreChat)
