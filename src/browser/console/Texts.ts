/**
 * Every text of the console, by page. A translation is another folder `texts` with the same files.
 *
 * The texts of a page that is loaded when it is opened may be left out here: the page imports them itself.
 *
 * @module
 */
export * from "./texts/Conversations.ts"
export * from "./texts/Frame.ts"
export * from "./texts/Inbox.ts"
export * from "./texts/Live.ts"
export * from "./texts/Overview.ts"
export * from "./texts/Session.ts"
export * from "./texts/Shared.ts"
export * from "./texts/Sharing.ts"
export * from "./texts/Sites.ts"
