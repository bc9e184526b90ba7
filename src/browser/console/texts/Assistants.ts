/**
 * Texts of assistants. They are loaded with the settings.
 *
 * @module
 */

export const note = "An assistant answers visitors in the chat. It is your own agent, or the model of a provider."
export const add = "New assistant"
export const edit = (name: string): string => `Change ${name}`
export const name = "Name"
export const url = "Address of the agent"
export const urlHint = "The base address of its API, on the public internet."
export const urlByOperator =
  "It was set where the service runs, and is not shown. Enter an address to replace it; the key then has to be entered again."
export const key = "Key"
export const keyHints = {
  none: "Sent to the address above, and stored encrypted.",
  value: "A key is stored. Enter one to replace it; another address needs it again.",
  operator: "The operator has set a key. Enter one to replace it."
} as const
export const removeKey = "Send no key"
export const keyHeader = "Header of the key"
export const protocol = "Protocol"
export const protocols = {
  "openai-chat": "OpenAI chat completions",
  "openai-responses": "OpenAI responses",
  anthropic: "Anthropic messages"
} as const
export const model = "Model"
export const memory = "Memory"
export const memoryChoices = {
  edge: "This service keeps conversations, and shows them",
  agent: "The agent keeps conversations"
} as const
export const memories = { edge: "conversations are kept here", agent: "conversations are kept by the agent" } as const
export const instructions = "Instructions"
export const instructionsHint = "What it should know and how it should answer. Visitors do not see it."
export const origins = "Origins"
export const originsHint = "One a line. Only their pages may use it. Empty for any."
export const limits = "Limits and details"
export const history = "Earlier messages sent with a question"
export const maxTokens = "Tokens per answer"
export const dailyTokens = "Tokens per day"
export const empty =
  "No assistant yet. Connect a model of OpenAI, Anthropic or any compatible service, and paste its tag into a page."
export const confirm = (name: string): string => `Delete ${name}?`
export const confirmBody = "Its tokens and conversations are deleted with it. Pages with its tag no longer have a chat."
export const chatted = (when: string): string => `A visitor chatted ${when}.`
export const noChat = "Nobody has chatted yet. Issue a token, and paste the tag that is shown with it."

export const tokens = {
  add: "Issue a token",
  issue: "Issue a token",
  label: "Label",
  labelHint: "Where you use it, such as the name of a page.",
  unnamed: "Token without a label",
  title: "The tag of the chat",
  body: "Paste it at the end of the body. It has the new token, which is not shown again.",
  empty: "It has no token, so no page can use it.",
  confirm: "Revoke this token?",
  confirmBody: "Within a second, pages with its tag no longer have a chat."
} as const
