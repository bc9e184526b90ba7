/**
 * The chat: the edge beside nginx as a reverse proxy, both in front of the same agent; and how many idle streams one
 * process holds.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import { writeFile } from "node:fs/promises"
import path from "node:path"
import { Effect, Schema } from "effect"
import * as Edge from "./Edge.ts"
import { type Measure, names } from "./Measure.ts"
import * as Numbers from "./Numbers.ts"
import * as Program from "./Program.ts"
import type * as Stage from "./Stage.ts"
import * as Wrk from "./Wrk.ts"

const programs = path.resolve(import.meta.dirname, "../programs")

export interface Options {
  readonly rounds: number
  readonly seconds: number
}

const startAgent = Effect.fnUntraced(function* (stage: Stage.Stage) {
  const port = yield* Program.freePort
  const program = yield* Program.serve(
    stage.folder,
    {
      name: "agent",
      file: process.execPath,
      args: [path.join(programs, "agent.ts")],
      env: { PORT: String(port) }
    },
    port
  )
  return { port, program }
})

const Instance = Schema.fromJsonString(Schema.Struct({ instance_id: Schema.String }))
const Token = Schema.fromJsonString(Schema.Struct({ token: Schema.String }))

/** An instance whose agent is the bench's own: the path of its chat and a token for it. */
const widgetOf = Effect.fnUntraced(
  function* (stage: Stage.Stage, edge: Edge.Edge, agentPort: number) {
    const run = (...args: ReadonlyArray<string>) => Edge.command(stage, edge.root, edge.database, args)
    const agentUrl = `http://127.0.0.1:${agentPort}`
    const { instance_id } = yield* Effect.flatMap(
      run("instance", "create", "--name", "Bench", "--agent-url", agentUrl),
      Schema.decodeUnknownEffect(Instance)
    )
    const { token } = yield* Effect.flatMap(
      run("token", "issue", "--instance", instance_id),
      Schema.decodeUnknownEffect(Token)
    )
    return { path: `/v1/public/widget/${instance_id}/chat`, token }
  },
  Effect.catchTag("SchemaError", (error) => Effect.fail(new Program.BenchError({ message: error.message })))
)

/** One worker, which passes on every byte as it comes and logs nothing. */
const nginxSettings = (port: number, agentPort: number, folder: string) => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream agent { server 127.0.0.1:${agentPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://agent; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      keepalive_requests 1000000;
    }
  }
}
`

const startNginx = Effect.fnUntraced(function* (stage: Stage.Stage, agentPort: number) {
  const port = yield* Program.freePort
  const settings = path.join(stage.folder, "nginx.conf")
  yield* Effect.promise(() => writeFile(settings, nginxSettings(port, agentPort, stage.folder)))
  yield* Program.serve(stage.folder, { name: "nginx", file: "nginx", args: ["-c", settings, "-p", stage.folder] }, port)
  return port
})

/** How a chat is asked for: of the edge in its words, of all others in the agent's. */
interface Way {
  readonly name: string
  readonly port: number
  readonly path: string
  readonly token: string | undefined
}

const bodyOf = (way: Way, order: unknown): unknown => {
  const message = JSON.stringify(order)
  return way.token === undefined ? { stream: true, messages: [{ role: "user", content: message }] } : { message }
}

const connections = 32
const tokensOfOne = 200

/** Tokens a second on many chats that say as much as is listened to. */
const rate = Effect.fnUntraced(function* (stage: Stage.Stage, way: Way, batch: number, seconds: number) {
  const result = yield* Wrk.load(stage.folder, way.name, {
    port: way.port,
    kind: way.token === undefined ? "completion" : "chat",
    subject: way.path,
    message: JSON.stringify(bodyOf(way, { tokens: tokensOfOne, batch })),
    ...(way.token === undefined ? {} : { token: way.token }),
    seconds,
    connections
  })
  return Wrk.perSecond(result) * tokensOfOne
})

const Heard = Schema.fromJsonString(
  Schema.Struct({ first: Schema.Finite, token: Schema.Finite, p99: Schema.Finite, tokens: Schema.Int })
)

const pacedStreams = 20

/** How late the tokens of paced chats come. */
const lateness = Effect.fnUntraced(function* (stage: Stage.Stage, way: Way, seconds: number) {
  const everyMillis = 20
  const order = {
    port: way.port,
    path: way.path,
    body: bodyOf(way, { tokens: Math.round((seconds * 1000) / everyMillis), everyMillis }),
    headers: way.token === undefined ? {} : { "x-widget-token": way.token },
    streams: pacedStreams
  }
  const said = yield* Program.run(stage.folder, {
    name: `listen-${way.name}`,
    file: process.execPath,
    args: [path.join(programs, "listen.ts"), JSON.stringify(order)]
  })
  return yield* Schema.decodeUnknownEffect(Heard)(said).pipe(
    Effect.mapError((error) => new Program.BenchError({ message: `listen: ${error.message}` }))
  )
})

/** Reads one chat to its end and sees that every token came through: a proxy that loses some has not won. */
const verify = (way: Way): Effect.Effect<void, Program.BenchError> =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(`http://127.0.0.1:${way.port}${way.path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-forwarded-for": "192.0.2.1",
          ...(way.token === undefined ? {} : { "x-widget-token": way.token })
        },
        body: JSON.stringify(bodyOf(way, { tokens: tokensOfOne, batch: 7 }))
      })
      const text = await response.text()
      const tokens = text.split("~").length - 1
      if (response.status !== 200 || tokens !== tokensOfOne || !text.endsWith("data: [DONE]\n\n")) {
        throw new Error(`status ${response.status}, ${tokens} of ${tokensOfOne} tokens`)
      }
    },
    catch: (cause) => new Program.BenchError({ message: `${way.name} did not pass a chat on: ${cause}` })
  })

export const measure = Effect.fnUntraced(function* (stage: Stage.Stage, edge: Edge.Edge, options: Options) {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const agent = yield* startAgent(stage)
      const widget = yield* widgetOf(stage, edge, agent.port)
      const nginx = yield* startNginx(stage, agent.port)
      const port = yield* Program.freePort
      yield* Edge.serve(stage, edge, port)
      const plain = { path: "/v1/chat/completions", token: undefined }
      const ways: ReadonlyArray<Way> = [
        { name: names.edge, port, path: widget.path, token: widget.token },
        { name: "nginx", port: nginx, ...plain },
        { name: "the agent itself", port: agent.port, ...plain }
      ]
      const found = ways.map(() => ({
        single: [] as number[],
        bulk: [] as number[],
        first: [] as number[],
        token: [] as number[]
      }))
      for (const way of ways) yield* verify(way)
      for (let round = 0; round < options.rounds; round++) {
        for (const index of Numbers.orderOf(
          ways.map((_, index) => index),
          round
        )) {
          const way = ways[index]!
          yield* rate(stage, way, 1, 2)
          const single = yield* rate(stage, way, 1, options.seconds)
          const bulk = yield* rate(stage, way, 20, options.seconds)
          const late = yield* lateness(stage, way, options.seconds)
          console.error(
            `round ${round + 1}  ${way.name}: ${Math.round(single)} tokens/s, ${Math.round(bulk)} in bulk; first token ${late.first.toFixed(2)} ms, each ${late.token.toFixed(2)} ms`
          )
          found[index]?.single.push(single)
          found[index]?.bulk.push(bulk)
          found[index]?.first.push(late.first)
          found[index]?.token.push(late.token)
        }
      }
      const rows = (of: "single" | "bulk" | "first" | "token") =>
        ways.map(({ name }, index) => ({ contender: name, samples: found[index]?.[of] ?? [] }))
      const measures: ReadonlyArray<Measure> = [
        { id: "tokens", title: "Chat, one token a write of the agent's", unit: "tokens/s", rows: rows("single") },
        { id: "tokens-bulk", title: "Chat, twenty tokens a write", unit: "tokens/s", rows: rows("bulk") },
        { id: "first-token", title: "Chat, from the request to the first token", unit: "ms", rows: rows("first") },
        { id: "token", title: "Chat, from the agent's write to the token's arrival", unit: "ms", rows: rows("token") }
      ]
      return measures
    })
  )
})

/** How many descriptors a process of ours may open. */
const descriptorLimit = (): number => {
  const text = execFileSync("/bin/sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim()
  return text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text)
}

/** Descriptors that the service needs besides its streams: its files, the pool, the listener. */
const spare = 200

/** Opens idle streams, as many as the goal says or as the limit of descriptors lets: each takes two of the edge's. */
export const measureStreams = Effect.fnUntraced(function* (stage: Stage.Stage, edge: Edge.Edge, goal: number) {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const agent = yield* startAgent(stage)
      const widget = yield* widgetOf(stage, edge, agent.port)
      const port = yield* Program.freePort
      // One instance has all of them here, and its share of what one process carries is bounded by default.
      const settings = { CHAT_STREAMS_PER_INSTANCE: String(goal) }
      const server = yield* Edge.serve(stage, edge, port, { settings })
      const way: Way = { name: names.edge, port, ...widget }
      yield* verify(way)
      const before = Program.descriptorsOf(server.pid)
      const possible = Math.min(goal, Math.floor((descriptorLimit() - spare) / 2))
      const [held, memory] = yield* Effect.scoped(
        Effect.gen(function* () {
          const holder = yield* Program.start(stage.folder, {
            name: "hold",
            file: process.execPath,
            args: [path.join(programs, "hold.ts"), String(port), widget.path, widget.token, String(possible)]
          })
          const heard = async () => /^HELD (\d+)$/m.exec(holder.said())?.[1]
          const held = yield* Program.awaitState(holder, "all streams were open", heard, {
            everyMillis: 200,
            deadlineMillis: 180_000
          })
          return [Number(held), Program.memoryOf(server.pid)] as const
        })
      )
      // The holder has gone; the service notices each stream's end by itself. Those of its own pool may come and go.
      const few = 16
      const closed = async () => (Program.descriptorsOf(server.pid) <= before + few ? true : undefined)
      yield* Program.awaitState(server, "it had closed the streams", closed, {
        everyMillis: 200,
        deadlineMillis: 60_000
      }).pipe(Effect.catchTag("BenchError", () => Effect.succeed(false)))
      const lost = Math.max(0, Program.descriptorsOf(server.pid) - before - few)
      console.error(
        `${held} of ${goal} streams open (${possible} possible here), ${Math.round(memory)} MB; ${lost} descriptors lost`
      )
      const measures: ReadonlyArray<Measure> = [
        {
          id: "streams",
          title: `Open chat streams, idle (the limit of descriptors lets ${possible} be opened)`,
          unit: "streams",
          rows: [
            { contender: "held", samples: [held] },
            { contender: "wanted", samples: [possible] }
          ]
        },
        {
          id: "streams-memory",
          title: `Memory with ${held} open chat streams`,
          unit: "MB",
          rows: [{ contender: names.edge, samples: [memory] }]
        },
        {
          id: "streams-lost",
          title: "Descriptors lost after they ended",
          unit: "streams",
          rows: [{ contender: names.edge, samples: [lost] }]
        }
      ]
      return measures
    })
  )
})
