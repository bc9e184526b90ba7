/** The chat of clients that speak OpenAI's protocol or AG-UI. */
import { type Case, type Client, type Group, json, tokenOf, unknownId } from "../Case.ts"
import { type Assistant, guardedOrigin } from "../Edge.ts"

type Headers = Readonly<Record<string, string>>

const bearer = ({ token }: Assistant): Headers => ({ authorization: `Bearer ${token}` })

const user = (content: unknown) => ({ role: "user", content })

const complete =
  ({ send }: Client) =>
  (assistant: Assistant, body: object | string, headers: Headers = {}) =>
    send({
      path: `/v1/public/widget/${assistant.id}/openai/v1/chat/completions`,
      headers: { ...json, ...bearer(assistant), ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body)
    })

const ask = (content: string, more: object = {}) => ({ model: "any", messages: [user(content)], ...more })

/** The cases in which an answer fails. */
const failures = ["say nothing", "break", "fail", "be busy", "refuse this content"]

const openai: ReadonlyArray<Case> = [
  ["an answer", (client) => complete(client)(client.edge.forgetful, ask("Hello"))],
  ["an answer as a stream", (client) => complete(client)(client.edge.forgetful, ask("Hello", { stream: true }))],
  [
    "a stream with its usage",
    (client) =>
      complete(client)(client.edge.forgetful, ask("Hello", { stream: true, stream_options: { include_usage: true } }))
  ],
  ["a source", (client) => complete(client)(client.edge.forgetful, ask("cite a source"))],
  ["a source in a stream", (client) => complete(client)(client.edge.forgetful, ask("cite a source", { stream: true }))],
  ["an answer that is cut by its length", (client) => complete(client)(client.edge.forgetful, ask("talk too long"))],
  [
    "the whole conversation, with what the service ignores",
    (client) =>
      complete(client)(client.edge.remembering, {
        messages: [
          { role: "system", content: "You are a pirate." },
          user("Hello"),
          { role: "assistant", content: "Good day" },
          user([
            { type: "text", text: "Again" },
            { type: "image_url", image_url: { url: "https://image.example/" } }
          ])
        ],
        metadata: { conversation_id: "mine-1" },
        temperature: 2
      })
  ],
  ...failures.flatMap(
    (message): ReadonlyArray<Case> => [
      [`the agent: ${message}`, (client) => complete(client)(client.edge.forgetful, ask(message))],
      [
        `the agent, in a stream: ${message}`,
        (client) => complete(client)(client.edge.forgetful, ask(message, { stream: true }))
      ]
    ]
  ),
  ["no token", (client) => complete(client)(client.edge.forgetful, ask("Hi"), { authorization: "" })],
  ["a wrong token", (client) => complete(client)({ ...client.edge.forgetful, token: "hwt_wrong" }, ask("Hi"))],
  [
    "a token of another instance",
    (client) => complete(client)({ ...client.edge.forgetful, token: client.edge.remembering.token }, ask("Hi"))
  ],
  ["an unknown instance", (client) => complete(client)({ ...client.edge.forgetful, id: unknownId }, ask("Hi"))],
  ["an id that is no UUID", (client) => complete(client)({ ...client.edge.forgetful, id: "none" }, ask("Hi"))],
  [
    "another origin than the instance's",
    (client) => complete(client)(client.edge.reserved, ask("Hi"), { origin: "https://foreign.example" })
  ],
  ["the instance's origin", (client) => complete(client)(client.edge.reserved, ask("Hi"), { origin: guardedOrigin })],
  ["no messages", (client) => complete(client)(client.edge.forgetful, {})],
  ["a message that is none", (client) => complete(client)(client.edge.forgetful, { messages: [{ role: 1 }] })],
  [
    "no question",
    (client) => complete(client)(client.edge.forgetful, { messages: [{ role: "system", content: "Hi" }] })
  ],
  ["a message of 8001 characters", (client) => complete(client)(client.edge.forgetful, ask("a".repeat(8001)))],
  ["malformed JSON", (client) => complete(client)(client.edge.forgetful, "{")],
  [
    "another media type",
    (client) => complete(client)(client.edge.forgetful, "<a/>", { "content-type": "application/xml" })
  ],
  ["a body over the limit", (client) => complete(client)(client.edge.forgetful, ask("a".repeat(2 ** 20)))],
  ["more tokens than the day has", (client) => complete(client)(client.edge.thrifty, ask("Hello"))],
  [
    "over the limit",
    async (client) => {
      const wrong = { ...client.edge.forgetful, token: "hwt_wrong" }
      const request = {
        path: `/v1/public/widget/${wrong.id}/openai/v1/chat/completions`,
        headers: { ...json, ...bearer(wrong) },
        body: JSON.stringify(ask("Hi"))
      }
      for (let turn = 0; turn < 20; turn++) await client.sendUnseen(request)
      await client.send(request)
    }
  ],
  [
    "the wrong method",
    ({ edge, send }) =>
      send({
        method: "GET",
        path: `/v1/public/widget/${edge.forgetful.id}/openai/v1/chat/completions`,
        headers: bearer(edge.forgetful)
      })
  ]
]

const models = ["models", "models/assistant"].flatMap((last): ReadonlyArray<Case> => {
  const request = (assistant: Assistant, headers: Headers = {}) => ({
    method: "GET",
    path: `/v1/public/widget/${assistant.id}/openai/v1/${last}`,
    headers: { ...bearer(assistant), ...headers }
  })
  return [
    [last, ({ edge, send }) => send(request(edge.forgetful))],
    [`${last}: a wrong token`, ({ edge, send }) => send(request({ ...edge.forgetful, token: "hwt_wrong" }))],
    [`${last}: an unknown instance`, ({ edge, send }) => send(request({ ...edge.forgetful, id: unknownId }))],
    [`${last}: an id that is no UUID`, ({ edge, send }) => send(request({ ...edge.forgetful, id: "none" }))],
    [
      `${last}: another origin than the instance's`,
      ({ edge, send }) => send(request(edge.reserved, { origin: "https://foreign.example" }))
    ],
    [`${last}: the wrong method`, ({ edge, send }) => send({ ...request(edge.forgetful), method: "POST" })],
    [
      `${last}: over the limit`,
      async ({ edge, send, sendUnseen }) => {
        for (let turn = 0; turn < 120; turn++) await sendUnseen(request(edge.forgetful))
        await send(request(edge.forgetful))
      }
    ]
  ]
})

const unknownModel: Case = [
  "an unknown model",
  ({ edge, send }) =>
    send({
      method: "GET",
      path: `/v1/public/widget/${edge.forgetful.id}/openai/v1/models/other`,
      headers: bearer(edge.forgetful)
    })
]

const run =
  ({ send }: Client) =>
  (assistant: Assistant, body: object | string, headers: Headers = {}) =>
    send({
      path: `/v1/public/widget/${assistant.id}/ag-ui`,
      headers: { ...json, ...tokenOf(assistant), ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body)
    })

const turn = (content: string) => ({ threadId: "thread-1", runId: "run-1", messages: [{ id: "m1", ...user(content) }] })

const agUi: ReadonlyArray<Case> = [
  ["an answer", (client) => run(client)(client.edge.forgetful, turn("Hello"))],
  [
    "a thread that the service stores",
    (client) =>
      run(client)(client.edge.remembering, {
        threadId: "b0c1d2e3-1f2a-4b3c-8d4e-5f6a7b8c9d0e",
        runId: "run-1",
        messages: [{ id: "m1", ...user("Hello") }],
        tools: [],
        context: [],
        state: {},
        forwardedProps: {}
      })
  ],
  ["a source", (client) => run(client)(client.edge.forgetful, turn("cite a source"))],
  ...failures.map(
    (message): Case => [`the agent: ${message}`, (client) => run(client)(client.edge.forgetful, turn(message))]
  ),
  ["a wrong token", (client) => run(client)({ ...client.edge.forgetful, token: "hwt_wrong" }, turn("Hi"))],
  ["an unknown instance", (client) => run(client)({ ...client.edge.forgetful, id: unknownId }, turn("Hi"))],
  ["an id that is no UUID", (client) => run(client)({ ...client.edge.forgetful, id: "none" }, turn("Hi"))],
  [
    "another origin than the instance's",
    (client) => run(client)(client.edge.reserved, turn("Hi"), { origin: "https://foreign.example" })
  ],
  ["the instance's origin", (client) => run(client)(client.edge.reserved, turn("Hi"), { origin: guardedOrigin })],
  ["all that is required is missing", (client) => run(client)(client.edge.forgetful, {})],
  [
    "every member is of a wrong type",
    (client) => run(client)(client.edge.forgetful, { threadId: 1, runId: 2, messages: 3 })
  ],
  ["no message", (client) => run(client)(client.edge.forgetful, { threadId: "t", runId: "r", messages: [] })],
  ["malformed JSON", (client) => run(client)(client.edge.forgetful, "{")],
  ["another media type", (client) => run(client)(client.edge.forgetful, "<a/>", { "content-type": "application/xml" })],
  ["a body over the limit", (client) => run(client)(client.edge.forgetful, turn("a".repeat(2 ** 20)))],
  [
    "over the limit",
    async (client) => {
      const wrong = { ...client.edge.forgetful, token: "hwt_wrong" }
      const request = {
        path: `/v1/public/widget/${wrong.id}/ag-ui`,
        headers: { ...json, ...tokenOf(wrong) },
        body: JSON.stringify(turn("Hi"))
      }
      for (let count = 0; count < 20; count++) await client.sendUnseen(request)
      await client.send(request)
    }
  ],
  [
    "the wrong method",
    ({ edge, send }) =>
      send({ method: "GET", path: `/v1/public/widget/${edge.forgetful.id}/ag-ui`, headers: tokenOf(edge.forgetful) })
  ]
]

export const protocols: ReadonlyArray<Group> = [
  { name: "openai", cases: [...openai, ...models, unknownModel] },
  { name: "ag-ui", cases: agUi }
]
