/**
 * `<script type="module" src="…/v1/public/chat.js">`: makes `<hydracore-chat>` known to a page.
 *
 * @module
 */
import { HydracoreChat } from "./chat/element.ts"

// A page may load it twice.
if (customElements.get("hydracore-chat") === undefined) customElements.define("hydracore-chat", HydracoreChat)
