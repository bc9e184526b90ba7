/**
 * The texts of the console, by page. A translation is another folder `texts` with the same files.
 *
 * The texts of lazily loaded pages are not exported here: these pages import their texts themselves.
 *
 * @module
 */
export * from "./texts/Conversations.ts"
export * from "./texts/Frame.ts"
export * from "./texts/Inbox.ts"
export * from "./texts/Live.ts"
export * from "./texts/Overview.ts"
export * from "./texts/Shared.ts"
export * from "./texts/Sharing.ts"
export * from "./texts/Sites.ts"
