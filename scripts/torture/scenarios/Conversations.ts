/**
 * Two services behind nginx that are restarted in turn while conversations stream: every answer is stored whole, or as far as it
 * came and marked as cut.
 *
 * @module
 */
import assert from "node:assert/strict"
import type { ServerResponse } from "node:http"
import { setTimeout } from "node:timers/promises"
import { Effect, Schema } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import type * as Process from "../../../test/support/Process.ts"
import * as Upstream from "../../../test/support/TestUpstream.ts"
import { pause, until } from "../../../test/support/Wait.ts"
import * as Conversation from "../Conversation.ts"
import type { Target } from "../Load.ts"
import * as Nginx from "../Nginx.ts"
import type * as Rows from "../Rows.ts"
import * as Store from "../Store.ts"
import { type Figures, rounded } from "./Figures.ts"

export interface Options {
  readonly database: Rows.Database
  readonly rounds: number
  readonly conversations: number
  /** How the two services start. */
  readonly serve: readonly [Process.Serve, Process.Serve]
  /** The grace period of a service that ends, in milliseconds. */
  readonly grace: number
  /** The duration of the longest answer, in milliseconds. The shortest takes a fifth of it, so some end in the grace period. */
  readonly longest: number
}

const wordMillis = 200

/** The agent's answer to a message, as a list of words. The message ends with their number. */
export const wordsOf = (message: string): ReadonlyArray<string> =>
  Array.from({ length: Number(/\d+$/.exec(message)?.[0] ?? 1) }, (_, index) => `${message}:${index} `)

const Request = Schema.fromJsonString(
  Schema.Struct({ messages: Schema.Array(Schema.Struct({ content: Schema.String })) })
)

const speak = async (response: ServerResponse, words: ReadonlyArray<string>): Promise<void> => {
  response.writeHead(200, Upstream.sse)
  for (const word of words) {
    if (response.destroyed) return
    response.write(Upstream.says(word))
    await setTimeout(wordMillis)
  }
  response.end(Upstream.finishes("stop"))
}

/**
 * An agent that answers each message word by word. The edge sends a message together with the messages before it whose answers
 * failed, separated by blank lines.
 */
export const speakingAgent = Upstream.start((received, response) => {
  const { messages } = Schema.decodeUnknownSync(Request)(received.body)
  void speak(response, wordsOf(messages.at(-1)?.content.split("\n\n").at(-1) ?? ""))
})

/** An answer as its visitor saw it. */
export interface SeenAnswer {
  readonly conversationId: string
  readonly message: string
  readonly spoken: string
  /** The reason in the last frame that the visitor saw; undefined if its stream broke off. */
  readonly finishReason: string | undefined
  readonly resumed: number
  readonly line: Conversation.Line
  /** From the end of the stream until the stored answer was read, in milliseconds. */
  readonly readAfter: number
}

/** The address of a service or of nginx, and the instance that visitors talk to. */
interface Edge {
  readonly url: string
  readonly target: Target
}

const settled = (reading: Conversation.Reading): Promise<void> => reading.ended.catch(() => {})

/** Continues to read a response with `resume` until no answer runs. */
const readOn = async ({ target, url }: Edge, first: Conversation.Reading, conversationId: string) => {
  let reading = first
  let resumed = 0
  while (reading.finishReason === undefined || reading.finishReason === "error") {
    const next = Conversation.resume(url, target, conversationId)
    await settled(next)
    if (next.status === 204) break
    if (next.status === 200) {
      resumed++
      assert.ok(next.spoken.startsWith(reading.spoken) || reading.spoken.startsWith(next.spoken))
      if (next.spoken.length >= reading.spoken.length) reading = next
    } else await setTimeout(wordMillis)
  }
  return { spoken: reading.spoken, finishReason: reading.finishReason, resumed }
}

const whenEnded = async ({ target, url }: Edge, conversationId: string): Promise<Conversation.Line> => {
  for (;;) {
    const line = await Conversation.lastAnswer(url, target, conversationId).catch(() => undefined)
    if (typeof line?.ending === "string") return line
    await setTimeout(wordMillis)
  }
}

/** A visitor who talks until `isOver`. Returns the answers as the visitor saw them, and how many messages were refused. */
export const talk = async (edge: Edge, index: number, options: Pick<Options, "longest">, isOver: () => boolean) => {
  const maxWords = options.longest / wordMillis
  const seen: Array<SeenAnswer> = []
  let refused = 0
  let currentId: string | undefined
  for (let turn = 0; !isOver(); turn++) {
    const words = Math.ceil(maxWords / 5 + ((index * 7 + turn * 13) % 20) * (maxWords / 25))
    const message = `${index}-${turn}-${words}`
    const sent = Conversation.send(edge.url, edge.target, message, currentId)
    await settled(sent)
    if (sent.conversationId === "") {
      refused++
      await setTimeout(wordMillis)
      continue
    }
    const { conversationId } = sent
    currentId = conversationId
    const { finishReason, resumed, spoken } = await readOn(edge, sent, conversationId)
    const streamEnded = performance.now()
    const line = await whenEnded(edge, conversationId)
    const readAfter = performance.now() - streamEnded
    seen.push({ conversationId, message, spoken, finishReason, resumed, line, readAfter })
  }
  return { seen, refused }
}

/** Asserts that the whole answer is stored, or its beginning marked as cut, with at least what the visitor saw. */
const check = ({ line, message, spoken }: SeenAnswer): void => {
  const all = wordsOf(message).join("")
  assert.ok(line.ending === "stop" || line.ending === "cut", `${message} ended as ${line.ending}`)
  if (line.ending === "stop") assert.equal(line.text, all)
  assert.ok(all.startsWith(line.text), `${message}: ${line.text}`)
  assert.ok(line.text.startsWith(spoken), `${message}: the visitor read more than was stored`)
}

export const rollingRestart = Effect.fnUntraced(function* (options: Options) {
  const database = yield* options.database
  const agent = yield* speakingAgent
  const target = yield* Store.prepare(database, agent.url, "edge")
  const ports = [yield* Ports.free, yield* Ports.free]
  const begin = (which: number) =>
    options.serve[which]!({
      DATABASE_URL: database,
      PORT: String(ports[which]),
      TRUSTED_PROXIES: "127.0.0.1",
      RATE_LIMIT_CHAT_READ: "off",
      SHUTDOWN_GRACE: `${options.grace} millis`
    })
  const services = yield* Effect.forEach([0, 1], begin, { concurrency: "unbounded" })
  const nginx = yield* Nginx.start(ports)
  const edge = { url: nginx.url, target }
  let isOver = false
  const visitors = Array.from({ length: options.conversations }, (_, index) => talk(edge, index, options, () => isOver))
  yield* until("all answers stream", () => agent.open() >= options.conversations * 0.9)
  let longestEnd = 0
  for (let round = 0; round < 2 * options.rounds; round++) {
    const which = round % 2
    const begun = performance.now()
    yield* services[which]!.end
    longestEnd = Math.max(longestEnd, performance.now() - begun)
    services[which] = yield* begin(which)
    yield* pause(2 * wordMillis)
  }
  isOver = true
  const talks = yield* Effect.promise(() => Promise.all(visitors))
  const seen = talks.flatMap((each) => each.seen)
  for (const each of seen) check(each)
  // Nothing is left running, and each message has one answer, on either process.
  const ids = [...new Set(seen.map(({ conversationId }) => conversationId))]
  for (const [index, conversationId] of ids.entries()) {
    const lines = yield* Effect.promise(() => Conversation.read(services[index % 2]!.url, target, conversationId))
    assert.deepEqual(
      lines.map(({ role }) => role),
      lines.map((_, position) => (position % 2 === 0 ? "user" : "assistant"))
    )
    assert.ok(lines.every(({ ending, role }) => role === "user" || typeof ending === "string"))
  }
  const count = (ending: string) => seen.filter(({ line }) => line.ending === ending).length
  return {
    restarts: 2 * options.rounds,
    conversations: options.conversations,
    answers: seen.length,
    whole: count("stop"),
    cut: count("cut"),
    resumed: seen.reduce((sum, each) => sum + each.resumed, 0),
    refused: talks.reduce((sum, each) => sum + each.refused, 0),
    "read after ms": rounded(Math.max(...seen.map(({ readAfter }) => readAfter))),
    "longest end ms": rounded(longestEnd)
  } satisfies Figures
}, Effect.scoped)
