/** The chat of a widget, and the body of `useChat`. */
import { type Case, type Client, type Group, json, tokenOf, unknownId } from "../Case.ts"
import { type Assistant, guardedOrigin } from "../Edge.ts"

const pathOf = (id: string) => `/v1/public/widget/${id}/chat`

type Headers = Readonly<Record<string, string>>

export const say =
  ({ send }: Client) =>
  (assistant: Assistant, body: object | string, headers: Headers = {}) =>
    send({
      path: pathOf(assistant.id),
      headers: { ...json, ...tokenOf(assistant), ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body)
    })

const chat: ReadonlyArray<Case> = [
  ["a conversation that the service stores", (client) => say(client)(client.edge.remembering, { message: "Hello" })],
  [
    "a conversation that the agent keeps",
    (client) => say(client)(client.edge.forgetful, { message: "Hello", conversation_id: "tour-1" })
  ],
  [
    "a conversation that continues",
    async (client) => {
      const { body } = await say(client)(client.edge.remembering, { message: "Hello" })
      const conversation_id = /"conversation_id":"([^"]+)"/.exec(body)?.[1]
      await say(client)(client.edge.remembering, { message: "Again", conversation_id })
    }
  ],
  [
    "null in place of the conversation_id, and extra members",
    (client) => say(client)(client.edge.forgetful, { message: "Hello", conversation_id: null, extra: 1 })
  ],
  [
    "text, as a beacon sends it",
    (client) => say(client)(client.edge.forgetful, { message: "Hi" }, { "content-type": "text/plain" })
  ],
  ["a source", (client) => say(client)(client.edge.forgetful, { message: "cite a source" })],
  ["an answer that is cut by its length", (client) => say(client)(client.edge.forgetful, { message: "talk too long" })],
  ["an answer without text", (client) => say(client)(client.edge.forgetful, { message: "say nothing" })],
  ["an answer that breaks off", (client) => say(client)(client.edge.forgetful, { message: "break" })],
  ["an agent that fails", (client) => say(client)(client.edge.forgetful, { message: "fail" })],
  ["an agent that is busy", (client) => say(client)(client.edge.forgetful, { message: "be busy" })],
  [
    "an agent that refuses the content",
    (client) => say(client)(client.edge.forgetful, { message: "refuse this content" })
  ],
  ["more tokens than the day has", (client) => say(client)(client.edge.thrifty, { message: "Hello" })],
  [
    "no token",
    (client) => client.send({ path: pathOf(client.edge.forgetful.id), headers: json, body: '{"message":"Hi"}' })
  ],
  [
    "a wrong token",
    (client) => say(client)({ ...client.edge.forgetful, token: `hwt_${"a".repeat(43)}` }, { message: "Hi" })
  ],
  [
    "a token of another instance",
    (client) => say(client)({ ...client.edge.forgetful, token: client.edge.remembering.token }, { message: "Hi" })
  ],
  ["an unknown instance", (client) => say(client)({ ...client.edge.forgetful, id: unknownId }, { message: "Hi" })],
  ["an id that is no UUID", (client) => say(client)({ ...client.edge.forgetful, id: "none" }, { message: "Hi" })],
  [
    "another origin than the instance's",
    (client) => say(client)(client.edge.reserved, { message: "Hi" }, { origin: "https://foreign.example" })
  ],
  [
    "the instance's origin",
    (client) => say(client)(client.edge.reserved, { message: "Hi" }, { origin: guardedOrigin })
  ],
  ["a message of 8001 characters", (client) => say(client)(client.edge.forgetful, { message: "a".repeat(8001) })],
  ["a message without text", (client) => say(client)(client.edge.forgetful, { message: "" })],
  [
    "every member is of a wrong type",
    (client) => say(client)(client.edge.forgetful, { message: 1, conversation_id: 2 })
  ],
  ["all that is required is missing", (client) => say(client)(client.edge.forgetful, {})],
  [
    "an invalid id of the conversation",
    (client) => say(client)(client.edge.remembering, { message: "Hi", conversation_id: "ä b" })
  ],
  ["malformed JSON", (client) => say(client)(client.edge.forgetful, '{"message"')],
  [
    "no body",
    (client) =>
      client.send({ path: pathOf(client.edge.forgetful.id), headers: { ...json, ...tokenOf(client.edge.forgetful) } })
  ],
  ["another media type", (client) => say(client)(client.edge.forgetful, "<a/>", { "content-type": "application/xml" })],
  [
    "the wrong method",
    (client) =>
      client.send({ method: "PUT", path: pathOf(client.edge.forgetful.id), headers: tokenOf(client.edge.forgetful) })
  ],
  [
    "a preflight",
    (client) =>
      client.send({
        method: "OPTIONS",
        path: pathOf(client.edge.forgetful.id),
        headers: {
          origin: "https://any.example",
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type,x-widget-token"
        }
      })
  ],
  ["a body over the limit", (client) => say(client)(client.edge.forgetful, "a".repeat(256 * 1024 + 1))],
  [
    "over the limit",
    async (client) => {
      const wrong = { ...client.edge.forgetful, token: "hwt_wrong" }
      const request = {
        path: pathOf(wrong.id),
        headers: { ...json, ...tokenOf(wrong) },
        body: JSON.stringify({ message: "Hi" })
      }
      for (let turn = 0; turn < 20; turn++) await client.sendUnseen(request)
      await client.send(request)
    }
  ]
]

const user = (text: string, id = "m1") => ({ id, role: "user", parts: [{ type: "text", text }] })

const conversationId = "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e"

const useChat: ReadonlyArray<Case> = [
  [
    "the whole conversation, and then another answer to it",
    async (client) => {
      const messages = [user("Hello")]
      await say(client)(client.edge.remembering, { id: conversationId, messages, trigger: "submit-message" })
      await say(client)(client.edge.remembering, { id: conversationId, messages, trigger: "regenerate-message" })
      await say(client)(client.edge.remembering, { id: conversationId, trigger: "regenerate-message" })
      await say(client)(client.edge.remembering, { id: conversationId, message: user("Again", "m2") })
    }
  ],
  [
    "an id that can be guessed",
    (client) => say(client)(client.edge.remembering, { id: "chat-1", messages: [user("Hello")] })
  ],
  [
    "an answer that breaks off",
    (client) => say(client)(client.edge.forgetful, { id: "chat-1", messages: [user("break")] })
  ],
  ["an agent that fails", (client) => say(client)(client.edge.forgetful, { id: "chat-1", messages: [user("fail")] })],
  [
    "an agent that is busy",
    (client) => say(client)(client.edge.forgetful, { id: "chat-1", messages: [user("be busy")] })
  ],
  ["no message", (client) => say(client)(client.edge.forgetful, { id: "chat-1", messages: [] })],
  [
    "a message that is too long",
    (client) => say(client)(client.edge.forgetful, { id: "c", messages: [user("a".repeat(8001))] })
  ],
  [
    "a wrong token",
    (client) => say(client)({ ...client.edge.forgetful, token: "hwt_wrong" }, { id: "c", messages: [user("Hi")] })
  ],
  [
    "another origin than the instance's",
    (client) =>
      say(client)(client.edge.reserved, { id: "c", messages: [user("Hi")] }, { origin: "https://foreign.example" })
  ],
  [
    "a body over its own limit",
    (client) => say(client)(client.edge.forgetful, { id: "c", messages: [user("a".repeat(2 ** 20))] })
  ],
  [
    "over the limit",
    async (client) => {
      const wrong = { ...client.edge.forgetful, token: "hwt_wrong" }
      const request = {
        path: pathOf(wrong.id),
        headers: { ...json, ...tokenOf(wrong) },
        body: JSON.stringify({ id: "c", messages: [user("Hi")] })
      }
      for (let turn = 0; turn < 20; turn++) await client.sendUnseen(request)
      await client.send(request)
    }
  ]
]

export const chats: ReadonlyArray<Group> = [
  { name: "chat", cases: chat },
  { name: "use-chat", cases: useChat }
]
