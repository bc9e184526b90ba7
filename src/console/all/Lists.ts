/**
 * The lists of submissions and of conversations, of one website and of all: they share so much that they are loaded together.
 *
 * @module
 */
export { Conversations } from "../conversations/Conversations.tsx"
export { Inbox } from "../inbox/Inbox.tsx"
export { AllConversations } from "./Conversations.tsx"
export { AllInbox } from "./Inbox.tsx"
