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
export const historyCharacters = "Most characters of these messages"
export const conversationIds = "Ids of conversations"
export const conversationIdChoices = {
  service: "Made by this service",
  client: "Made by your application; random ones have memory too"
} as const
export const maxTokens = "Tokens per answer"
export const dailyTokens = "Tokens per day"
export const empty =
  "No assistant yet. Connect a model of OpenAI, Anthropic or any compatible service, and paste its tag into a page."
export const confirm = (name: string): string => `Delete ${name}?`
export const confirmBody = "Its tokens and conversations are deleted with it. Pages with its tag no longer have a chat."
export const chatted = (when: string): string => `A visitor chatted ${when}.`
export const noChat = "Nobody has chatted yet. Paste its tag into a page: it is shown with each new token."

/** Trying an assistant. */
export const tried = {
  action: "Try",
  title: (name: string): string => `Try ${name}`,
  question: "Question",
  hint: "It is sent as a chat without history would send it, and is not stored. It uses tokens as a chat does.",
  example: "What can you help me with?",
  ask: "Ask",
  busy: "Asking…",
  close: "Close",
  waiting: "Waiting for the first word, for at most 30 seconds.",
  firstWord: (time: string): string => `It answers. The first word came after ${time}:`,
  onlyReasoned: "It answers. It reasoned for so long that the test ended before its first word.",
  problem: (text: string, status: number | null): string => `${text}${status === null ? "" : ` (status ${status})`}.`,
  problems: {
    key: "It refuses the key",
    "no-key": "This service does not have its key",
    address: "There is no such endpoint or model at its address",
    "not-public": "Its address is not on the public internet",
    certificate: "Its certificate is not valid",
    unreachable: "It cannot be reached",
    quota: "The quota or the rate limit of its key is used up",
    "daily-tokens": "Its tokens of the day are used up",
    busy: "It is overloaded, or still starting",
    request: "It refuses the question",
    failing: "It fails",
    silent: "It did not answer within 30 seconds",
    "no-answer": "It took the question, and what it sent is no answer"
  },
  advice: {
    key: "Enter a valid key under More, Edit.",
    "no-key": "Enter its key again under More, Edit. If the operator has set the key, ask the operator.",
    address: "Check the address, the protocol and the model under More, Edit. Redirects are not followed.",
    "not-public": "Enter another address under More, Edit. Only the operator can connect agents of a private network.",
    certificate: "Renew the certificate of its server, or enter the host that the certificate is for.",
    unreachable: "Check that it runs and that its address is right.",
    quota: "Raise the quota at the provider, or try again later.",
    "daily-tokens": "It is asked again after midnight (UTC). To raise the number, open More, Edit, Limits and details.",
    busy: "Try again in a moment.",
    request: "Check the protocol and the model under More, Edit.",
    failing: "See its own log, or try again later.",
    silent: "It may be loading its model: try again. If it stays silent, see its own log.",
    "no-answer": "Check the protocol under More, Edit; then see its own log."
  }
} as const

export const tokens = {
  add: "Issue a token",
  issue: "Issue a token",
  label: "Label",
  labelHint: "Where you use it, such as the name of a page.",
  expiry: "Last day",
  unnamed: "Token without a label",
  title: "The tag of the chat",
  body: "Paste it at the end of the body. It has the new token, which is not shown again.",
  empty: "It has no token, so no page can use it.",
  confirm: "Revoke this token?",
  confirmBody: "Within a second, pages with its tag no longer have a chat."
} as const
