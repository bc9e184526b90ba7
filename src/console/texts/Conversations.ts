/**
 * Texts of the conversations.
 *
 * @module
 */
export const conversations = {
  list: "Conversations",
  show: "Which conversations",
  kinds: { all: "All", unanswered: "Unanswered", down: "Rated bad", up: "Rated good" },
  instance: "Assistant",
  open: "Choose a conversation to read it.",
  untitled: "Conversation",
  messages: (count: number): string => (count === 1 ? "1 message" : `${count} messages`),
  from: (source: string): string => `from ${source}`,
  contact: "The visitor left an address:",
  waiting: "Unanswered",
  withAddress: "The visitor got no answer, and left an address to which you can reply.",
  noAddress: (isOwner: boolean): string =>
    `The visitor got no answer and left no address, so nobody can reply. ${isOwner ? "Find" : "An owner can find"} out why the assistant did not answer.`,
  toReply: "Reply by mail",
  toAssistants: "Try the assistant",
  seen: "Mark as seen",
  seenNote: "It is then no longer counted as unanswered, for everybody who works on this website.",
  opened: (by: string | null, at: string): string => (by === null ? `Opened ${at}` : `Opened by ${by}, ${at}`),
  unanswered: (count: number): string => (count === 1 ? "1 unanswered" : `${count} unanswered`),
  rated: { up: "Rated good", down: "Rated bad" },
  roles: { user: "Visitor", assistant: "Assistant" },
  sources: "Sources:",
  endings: {
    running: "This answer is still being written.",
    length: "The answer reached the agent's maximum length without any text.",
    stop: "The agent ended its answer without text.",
    stopped: "The visitor stopped this answer.",
    superseded: "The visitor sent another message before this answer was complete.",
    "content-filter": "The agent’s content filter ended this answer.",
    failed: "The agent failed, or a limit of the service ended this answer.",
    cut: "The service ended before this answer was complete.",
    other: "This answer was not completed."
  } as Readonly<Record<string, string>>,
  gone: "This conversation no longer exists. It may have been deleted, or its retention has ended.",
  none: "No assistant on this website",
  noneBody:
    "The questions of visitors and the answers of the chat are shown here. Connect your own agent, or the model of a provider.",
  connect: "Connect an assistant",
  empty: "No conversations yet",
  emptyBody:
    "They appear here with the visitor’s first message. Paste the tag of the chat into the pages of your website.",
  emptyInAll: "They appear here with the visitor’s first message.",
  install: "Show the tag of the chat",
  elsewhere: "The agent keeps these conversations",
  elsewhereBody:
    "To read them here, open the assistant under Set up and choose the memory “Conversations are kept here”.",
  keep: "Open the assistants",
  noMatch: "No conversation matches",
  confirm: "Delete this conversation?",
  confirmBody: "It is deleted permanently, with all its messages and ratings."
} as const
