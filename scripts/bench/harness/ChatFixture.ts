/**
 * What every chat measurement needs: a scripted agent, a widget that uses it, and requests for both.
 *
 * @module
 */
import path from "node:path"
import { Effect, Schema } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as Edge from "./Edge.ts"
import * as Program from "./Program.ts"
import type * as TestBed from "./TestBed.ts"
import type * as Wrk from "./Wrk.ts"

export const programs = path.resolve(import.meta.dirname, "../programs")

/** Starts the scripted agent. */
export const startAgent = Effect.fnUntraced(function* (testBed: TestBed.TestBed) {
  const port = yield* Ports.free
  const program = yield* Program.serve(
    testBed.folder,
    {
      name: "agent",
      file: process.execPath,
      args: [path.join(programs, "Agent.ts")],
      env: { PORT: String(port) }
    },
    port
  )
  return { port, program }
})

/** Where a chat is sent: to the service with a widget token, or to an agent without one. */
export interface ChatPath {
  readonly path: string
  readonly token: string | undefined
}

const Instance = Schema.fromJsonString(Schema.Struct({ instance_id: Schema.String }))
const Token = Schema.fromJsonString(Schema.Struct({ token: Schema.String }))

/**
 * Creates an instance for an agent on this machine, and a token for its widget. If `memory` is `agent`, revisions of the service
 * that do not know `--memory` can be measured too.
 */
export const createWidget = Effect.fnUntraced(
  function* (testBed: TestBed.TestBed, edge: Edge.Edge, agentPort: number, memory: "edge" | "agent" = "agent") {
    const run = (...args: ReadonlyArray<string>) => Edge.command(testBed, edge.root, edge.database, args)
    const create = ["instance", "create", "--name", "Bench", "--agent-url", `http://127.0.0.1:${agentPort}`]
    const created = run(...create, "--memory", memory)
    const { instance_id } = yield* Effect.flatMap(
      memory === "edge" ? created : Effect.catch(created, () => run(...create)),
      Schema.decodeUnknownEffect(Instance)
    )
    const { token } = yield* Effect.flatMap(
      run("token", "issue", "--instance", instance_id),
      Schema.decodeUnknownEffect(Token)
    )
    return { path: `/v1/public/widget/${instance_id}/chat`, token } satisfies ChatPath
  },
  Effect.catchTag("SchemaError", (error) => Effect.fail(new Program.BenchError({ message: error.message })))
)

/** The request body that makes the scripted agent follow `script`, in the format of the service or of an agent. */
export const bodyOf = ({ token }: ChatPath, script: unknown): unknown => {
  const message = JSON.stringify(script)
  return token === undefined ? { stream: true, messages: [{ role: "user", content: message }] } : { message }
}

/** The number of tokens in each chat of a load. */
export const tokensPerChat = 200

/** A load of chats in which the agent writes `batch` tokens at once. */
export const loadOf = (
  chat: ChatPath,
  batch: number,
  options: { readonly port: number; readonly seconds: number; readonly connections: number }
): Wrk.Load => ({
  port: options.port,
  seconds: options.seconds,
  connections: options.connections,
  kind: chat.token === undefined ? "completion" : "chat",
  subject: chat.path,
  message: JSON.stringify(bodyOf(chat, { tokens: tokensPerChat, batch })),
  ...(chat.token === undefined ? {} : { token: chat.token })
})

/** Reads one chat to its end. Fails unless every token arrived. */
export const verify = (contender: string, port: number, chat: ChatPath): Effect.Effect<void, Program.BenchError> =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(`http://127.0.0.1:${port}${chat.path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-forwarded-for": "192.0.2.1",
          ...(chat.token === undefined ? {} : { "x-widget-token": chat.token })
        },
        body: JSON.stringify(bodyOf(chat, { tokens: tokensPerChat, batch: 7 }))
      })
      const text = await response.text()
      const tokens = text.split("~").length - 1
      if (response.status !== 200 || tokens !== tokensPerChat || !text.endsWith("data: [DONE]\n\n")) {
        throw new Error(`status ${response.status}, ${tokens} of ${tokensPerChat} tokens`)
      }
    },
    catch: (cause) => new Program.BenchError({ message: `${contender} did not stream a whole chat: ${cause}` })
  })
