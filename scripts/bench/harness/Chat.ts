/**
 * Measures chats through the service, with memory and without, through nginx as a reverse proxy, and directly with the agent.
 * All use the same agent.
 *
 * @module
 */
import { writeFile } from "node:fs/promises"
import path from "node:path"
import { Effect, Schema } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as ChatFixture from "./ChatFixture.ts"
import * as Edge from "./Edge.ts"
import { type Measure, names, rateRow } from "./Measure.ts"
import * as Program from "./Program.ts"
import * as Statistics from "./Statistics.ts"
import type * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  readonly seconds: number
}

/** The settings of an nginx with one worker, unbuffered, without a log. */
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

const startNginx = Effect.fnUntraced(function* (testBed: TestBed.TestBed, agentPort: number) {
  const port = yield* Ports.free
  const settings = path.join(testBed.folder, "nginx.conf")
  yield* Effect.promise(() => writeFile(settings, nginxSettings(port, agentPort, testBed.folder)))
  const command = { name: "nginx", file: "nginx", args: ["-c", settings, "-p", testBed.folder] }
  return { port, program: yield* Program.serve(testBed.folder, command, port) }
})

interface Contender extends ChatFixture.ChatPath {
  readonly name: string
  readonly port: number
  readonly program: Program.Program
}

const connections = 32

const Latencies = Schema.fromJsonString(
  Schema.Struct({ first: Schema.Finite, token: Schema.Finite, p99: Schema.Finite, tokens: Schema.Int })
)

const pacedStreams = 20
const paceMillis = 20

/** The latency of tokens in chats whose agent writes one token every 20 ms. */
const measureLatency = Effect.fnUntraced(function* (testBed: TestBed.TestBed, contender: Contender, seconds: number) {
  const script = { tokens: Math.round((seconds * 1000) / paceMillis), everyMillis: paceMillis }
  const request = {
    port: contender.port,
    path: contender.path,
    body: ChatFixture.bodyOf(contender, script),
    headers: contender.token === undefined ? {} : { "x-widget-token": contender.token },
    streams: pacedStreams
  }
  const output = yield* Program.run(testBed.folder, {
    name: `token-latency-${contender.name}`,
    file: process.execPath,
    args: [path.join(ChatFixture.programs, "TokenLatency.ts"), JSON.stringify(request)]
  })
  return yield* Schema.decodeUnknownEffect(Latencies)(output).pipe(
    Effect.mapError((error) => new Program.BenchError({ message: `TokenLatency.ts: ${error.message}` }))
  )
})

interface RoundResult {
  readonly contender: string
  readonly single: Wrk.Cost
  readonly bulk: Wrk.Cost
  readonly firstToken: number
  readonly eachToken: number
}

const measureOne = Effect.fnUntraced(function* (testBed: TestBed.TestBed, contender: Contender, seconds: number) {
  const { name, port, program } = contender
  const load = (batch: number) => ChatFixture.loadOf(contender, batch, { port, seconds, connections })
  yield* Wrk.send(testBed.folder, name, { ...load(1), seconds: 2 })
  const single = yield* Wrk.measure(testBed, program, name, load(1))
  const bulk = yield* Wrk.measure(testBed, program, name, load(20))
  const { first, token } = yield* measureLatency(testBed, contender, seconds)
  return { contender: name, single, bulk, firstToken: first, eachToken: token } satisfies RoundResult
})

export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const agent = yield* ChatFixture.startAgent(testBed)
      const widget = yield* ChatFixture.createWidget(testBed, edge, agent.port)
      const withMemory = yield* ChatFixture.createWidget(testBed, edge, agent.port, "edge")
      const port = yield* Ports.free
      const program = yield* Edge.serve(testBed, edge, port)
      const direct = { path: "/v1/chat/completions", token: undefined }
      const contenders: ReadonlyArray<Contender> = [
        { name: names.edge, port, program, ...widget },
        { name: names.memory, port, program, ...withMemory },
        { name: "nginx", ...(yield* startNginx(testBed, agent.port)), ...direct },
        { name: names.agent, ...agent, ...direct }
      ]
      for (const each of contenders) yield* ChatFixture.verify(each.name, each.port, each)
      const results: Array<RoundResult> = []
      for (let round = 0; round < options.rounds; round++) {
        for (const contender of Statistics.orderOf(contenders, round)) {
          const result = yield* measureOne(testBed, contender, options.seconds)
          const { bulk, eachToken, firstToken, single } = result
          const tokenRates = [single, bulk].map(({ perSecond }) => Math.round(perSecond * ChatFixture.tokensPerChat))
          console.error(
            `round ${round + 1}  ${contender.name}: ${tokenRates[0]} tokens/s, ${tokenRates[1]} in bulk; first token ${firstToken.toFixed(2)} ms, each ${eachToken.toFixed(2)} ms`
          )
          results.push(result)
        }
      }
      const resultsOf = (name: string) => results.filter(({ contender }) => contender === name)
      const rates = (of: "single" | "bulk") =>
        contenders.map(({ name }) =>
          rateRow(
            name,
            resultsOf(name).map((result) => result[of]),
            ChatFixture.tokensPerChat
          )
        )
      const latencies = (of: "firstToken" | "eachToken") =>
        contenders.map(({ name }) => ({ contender: name, samples: resultsOf(name).map((result) => result[of]) }))
      const measures: ReadonlyArray<Measure> = [
        { id: "tokens", title: "Chat, the agent writes one token at a time", unit: "tokens/s", rows: rates("single") },
        {
          id: "tokens-bulk",
          title: "Chat, the agent writes 20 tokens at a time",
          unit: "tokens/s",
          rows: rates("bulk")
        },
        {
          id: "first-token",
          title: "Chat, from the request to the first token",
          unit: "ms",
          rows: latencies("firstToken")
        },
        {
          id: "token",
          title: "Chat, from the agent's write to the token's arrival",
          unit: "ms",
          rows: latencies("eachToken")
        }
      ]
      return measures
    })
  )
})
