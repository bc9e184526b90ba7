/** Conversations that the service stores: resume, stop, read and rate an answer. */
import { type Case, type Client, type Group, json, tokenOf, unknownId } from "../Case.ts"
import type { Assistant } from "../Edge.ts"

const id = "5f0c6b1e-0a4d-4c53-8f57-2f6d3a1b9c70"

/** A path of a conversation. Without `conversation`, of one that does not exist. */
const pathOf = (assistant: Assistant, action: string, conversation = id) =>
  `/v1/public/widget/${assistant.id}/chat/${conversation}${action}`

type Headers = Readonly<Record<string, string>>

const actions = [
  ["GET", ""],
  ["GET", "/stream"],
  ["POST", "/stop"],
  ["POST", "/feedback"]
] as const

type Action = (typeof actions)[number]

const request = ([method, action]: Action, assistant: Assistant, conversation?: string, headers: Headers = {}) => ({
  method,
  path: pathOf(assistant, action, conversation),
  headers: { ...tokenOf(assistant), ...(action === "/feedback" ? json : {}), ...headers },
  ...(action === "/feedback" ? { body: JSON.stringify({ message_id: unknownId, rating: "up" }) } : {})
})

/** Sends a message, and returns the id of its conversation and that of its answer, as soon as `until` holds. */
const begin = async ({ edge, sendUnseen }: Client, message: string, until?: (body: string) => boolean) => {
  const { body } = await sendUnseen(
    {
      path: `/v1/public/widget/${edge.remembering.id}/chat`,
      headers: { ...json, ...tokenOf(edge.remembering) },
      body: JSON.stringify({ message })
    },
    until
  )
  return {
    conversation: /"conversation_id":"([^"]+)"/.exec(body)?.[1] ?? "",
    answer: /"messageId":"([^"]+)"/.exec(body)?.[1] ?? ""
  }
}

const isWaiting = (body: string) => body.includes("I wait")

/** The cases of every action. */
const common = actions.flatMap((action): ReadonlyArray<Case> => {
  const title = `${action[0]} ${action[1] === "" ? "the conversation" : action[1]}`
  return [
    [`${title}: an unknown conversation`, ({ edge, send }) => send(request(action, edge.remembering))],
    [
      `${title}: an instance whose agent keeps the conversations`,
      ({ edge, send }) => send(request(action, edge.forgetful))
    ],
    [`${title}: an id that is none`, ({ edge, send }) => send(request(action, edge.remembering, "a%20b"))],
    [`${title}: no token`, ({ edge, send }) => send({ ...request(action, edge.remembering), headers: json })],
    [
      `${title}: a conversation of another instance`,
      async (client) => {
        const { conversation } = await begin(client, "Hello")
        await client.send(request(action, client.edge.thrifty, conversation))
      }
    ],
    [
      `${title}: an unknown instance`,
      ({ edge, send }) => send(request(action, { ...edge.remembering, id: unknownId }))
    ],
    [`${title}: an id that is no UUID`, ({ edge, send }) => send(request(action, { ...edge.remembering, id: "none" }))],
    [
      `${title}: another origin than the instance's`,
      ({ edge, send }) => send(request(action, edge.reserved, id, { origin: "https://foreign.example" }))
    ],
    [
      `${title}: the wrong method`,
      ({ edge, send }) => send({ ...request(action, edge.remembering), method: "DELETE" })
    ],
    [
      `${title}: over the limit`,
      async ({ edge, send, sendUnseen }) => {
        for (let turn = 0; turn < 120; turn++) await sendUnseen(request(action, edge.remembering))
        await send(request(action, edge.remembering))
      }
    ]
  ]
})

const own: ReadonlyArray<Case> = [
  [
    "the messages of a conversation, and the rating of its answer",
    async (client) => {
      const { edge, send } = client
      const { answer, conversation } = await begin(client, "Hello")
      const rate = (body: object) =>
        send({
          path: pathOf(edge.remembering, "/feedback", conversation),
          headers: { ...json, ...tokenOf(edge.remembering) },
          body: JSON.stringify(body)
        })
      await send(request(["GET", ""], edge.remembering, conversation))
      await rate({ message_id: answer, rating: "down", comment: "Too short" })
      await rate({ message_id: unknownId, rating: "up" })
      await rate({ message_id: "none", rating: "sideways", comment: 1 })
      await rate({})
      await send(request(["GET", ""], edge.remembering, conversation))
    }
  ],
  [
    "an answer that is resumed and stopped",
    async (client) => {
      const { edge, send } = client
      const { conversation } = await begin(client, "Please wait until I stop you", isWaiting)
      // One follower leaves, and one stays until the end.
      await client.sendUnseen(request(["GET", "/stream"], edge.remembering, conversation), isWaiting)
      let stopped: Promise<unknown> | undefined
      const resumed = await client.sendUnseen(request(["GET", "/stream"], edge.remembering, conversation), (body) => {
        if (isWaiting(body)) stopped ??= send(request(["POST", "/stop"], edge.remembering, conversation))
        return false
      })
      await stopped
      if (!resumed.body.endsWith("data: [DONE]\n\n"))
        throw new Error(`The stream ends with ${resumed.body.slice(-100)}`)
      await send(request(["GET", ""], edge.remembering, conversation))
      await send(request(["GET", "/stream"], edge.remembering, conversation))
      await send(request(["POST", "/stop"], edge.remembering, conversation))
    }
  ],
  [
    "an answer that is resumed to its end",
    async (client) => {
      const { edge, send } = client
      const message = "Please wait until I am back"
      const { conversation } = await begin(client, message, isWaiting)
      await send(request(["GET", "/stream"], edge.remembering, conversation), (body) => {
        if (isWaiting(body) && !body.includes("no more")) {
          edge.agent.say(message, " no more")
          edge.agent.finish(message)
        }
        return false
      })
    }
  ],
  [
    "feedback: malformed JSON, no body, another media type, and a body over the limit",
    async ({ edge, send }) => {
      const to = (body: string | undefined, headers: Headers = json) =>
        send({
          path: pathOf(edge.remembering, "/feedback"),
          headers: { ...tokenOf(edge.remembering), ...headers },
          ...(body === undefined ? {} : { body })
        })
      await to("{")
      await to(undefined)
      await to("<a/>", { "content-type": "application/xml" })
      await to("a".repeat(256 * 1024 + 1))
    }
  ]
]

const contactOf = (assistant: Assistant) => ({ method: "GET", path: `/v1/public/widget/${assistant.id}/contact` })

/** Whether a visitor can leave an address. */
const contact: ReadonlyArray<Case> = [
  [
    "contact: the offer of an instance",
    ({ edge, send }) => send({ ...contactOf(edge.remembering), headers: tokenOf(edge.remembering) })
  ],
  ["contact: no token", ({ edge, send }) => send(contactOf(edge.remembering))],
  [
    "contact: an origin that is not allowed",
    ({ edge, send }) =>
      send({
        ...contactOf(edge.reserved),
        headers: { ...tokenOf(edge.reserved), origin: "https://elsewhere.example" }
      })
  ],
  [
    "contact: the wrong method",
    ({ edge, send }) => send({ ...contactOf(edge.remembering), method: "DELETE", headers: tokenOf(edge.remembering) })
  ],
  [
    "contact: over the limit",
    async ({ edge, send, sendUnseen }) => {
      const request = { ...contactOf(edge.remembering), headers: tokenOf(edge.remembering) }
      for (let turn = 0; turn < 120; turn++) await sendUnseen(request)
      await send(request)
    }
  ],
  [
    "contact: an instance id that is none",
    ({ edge, send }) => send({ method: "GET", path: "/v1/public/widget/a/contact", headers: tokenOf(edge.remembering) })
  ]
]

export const conversations: ReadonlyArray<Group> = [{ name: "conversations", cases: [...own, ...common, ...contact] }]
