/**
 * A service with an agent that the test controls, and instances whose visitors chat with it.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import * as Agent from "../Agent.ts"
import { call, layerWith, Service } from "../owner/Service.ts"

export interface Instance {
  readonly id: string
  readonly widgetToken: string
  /** Such as `http://127.0.0.1:4711/v1/public/widget/<id>`. */
  readonly url: string
}

/** A stored conversation: the texts of its messages, and in parentheses how each answer ended. */
export interface Stored {
  readonly id: string
  readonly lines: ReadonlyArray<string>
}

export class Chat extends Context.Service<
  Chat,
  {
    readonly agent: Agent.Agent
    /** The log of the service. */
    readonly log: () => string
    /** An instance with the default settings. */
    readonly instance: Instance
    /** Creates an instance with flags of `instance create`. */
    readonly newInstance: (...flags: ReadonlyArray<string>) => Effect.Effect<Instance>
    /** The headers of a visitor with an IP address of its own. */
    readonly newVisitor: () => Readonly<Record<string, string>>
    /** The stored conversations of an instance, as its owner reads them: the one with the latest message first. */
    readonly stored: (instance?: Instance) => Effect.Effect<ReadonlyArray<Stored>>
  }
>()("test/outside/chat/Chat") {}

interface Message {
  readonly role: string
  readonly parts: ReadonlyArray<{ readonly type: string; readonly text?: string }>
  readonly ending?: string
}

const lineOf = ({ ending, parts, role }: Message): string => {
  const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("")
  return role === "user" ? text : `${text} (${ending})`
}

/** With the default limits of requests. An answer is limited to 2 KiB, and an instance to three answers at once. */
export const layer: Layer.Layer<Chat> = Layer.effect(
  Chat,
  Effect.gen(function* () {
    const service = yield* Service
    const agent = yield* Agent.start()
    const { json: website } = yield* call("POST", "/v1/owner/sites", { name: "Shop" })
    const path = `/v1/owner/sites/${website["site_id"]}/instances`
    const newInstance = Effect.fnUntraced(
      function* (...flags: ReadonlyArray<string>) {
        // Only the command line accepts an agent outside the public internet.
        const { instance_id = "" } = yield* service.command([
          ...["instance", "create", "--name", "Support", "--agent-url", agent.url, "--no-check"],
          ...["--site", `${website["site_id"]}`, ...flags]
        ])
        const { json } = yield* call("POST", `${path}/${instance_id}/tokens`, {})
        return {
          id: instance_id,
          widgetToken: `${json["token"]}`,
          url: `${service.url}/v1/public/widget/${instance_id}`
        }
      },
      Effect.provideService(Service, service)
    )
    const instance = yield* newInstance()
    let visitors = 0
    return {
      agent,
      log: service.output,
      instance,
      newInstance,
      newVisitor: () => {
        visitors++
        return { "x-forwarded-for": `203.0.${visitors >> 8}.${visitors & 255}` }
      },
      stored: Effect.fnUntraced(
        function* (of = instance) {
          const list = yield* call("GET", `${path}/${of.id}/conversations`)
          const { conversations } = JSON.parse(list.text) as {
            readonly conversations: ReadonlyArray<{ readonly conversation_id: string }>
          }
          return yield* Effect.forEach(
            conversations,
            ({ conversation_id }) =>
              Effect.map(call("GET", `${path}/${of.id}/conversations/${conversation_id}`), ({ text }) => ({
                id: conversation_id,
                lines: (JSON.parse(text) as { readonly messages: ReadonlyArray<Message> }).messages.map(lineOf)
              })),
            { concurrency: 8 }
          )
        },
        Effect.provideService(Service, service)
      )
    }
  })
).pipe(
  Layer.provide(
    layerWith({
      TRUSTED_PROXIES: "127.0.0.1",
      RATE_LIMIT_CHAT: "20/minute",
      RATE_LIMIT_CHAT_READ: "20/minute",
      CHAT_MAX_BYTES: "2 KiB",
      CHAT_STREAMS_PER_INSTANCE: "3"
    })
  )
)
