/**
 * Conversations over two services on one database: answers that are resumed, stopped or ended by a message at either service,
 * and what is left of answers whose process ends. The first service is a process of its own, the second runs in the test's
 * process.
 *
 * @module
 */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Scope } from "effect"
import * as Cluster from "../../scripts/torture/Cluster.ts"
import * as Conversation from "../../scripts/torture/Conversation.ts"
import type { Target } from "../../scripts/torture/Load.ts"
import * as Nginx from "../../scripts/torture/Nginx.ts"
import * as PgBouncer from "../../scripts/torture/PgBouncer.ts"
import * as Store from "../../scripts/torture/Store.ts"
import * as Agent from "../support/ControlledAgent.ts"
import * as InProcessServe from "../support/InProcessServe.ts"
import * as Process from "../support/Process.ts"
import { until } from "../support/Wait.ts"

/** Two services behind nginx, on one database. */
class Service extends Context.Service<
  Service,
  {
    readonly agent: Agent.ControlledAgent
    readonly cluster: Cluster.Cluster
    readonly target: Target
    readonly nginx: string
    readonly services: [Process.Process, Process.Serving]
    /** Starts the first service again. */
    readonly restart: Effect.Effect<void>
  }
>()("hydracore/test/ResumeService") {}

const service = (through: "PostgreSQL" | "PgBouncer") =>
  Layer.effect(
    Service,
    Effect.gen(function* () {
      const cluster = yield* Cluster.make({ fsync: "off" })
      const agent = yield* Agent.start
      const target = yield* Store.prepare(cluster.url, agent.url, "edge")
      const database = through === "PgBouncer" ? yield* PgBouncer.start(cluster) : cluster.url
      const ports = [yield* Nginx.freePort, yield* Nginx.freePort]
      const scope = yield* Effect.scope
      const env = {
        DATABASE_URL: database,
        TRUSTED_PROXIES: "127.0.0.1",
        SHUTDOWN_GRACE: "1 second",
        RATE_LIMIT_CHAT_READ: "off"
      }
      const [first, second] = ports.map(String) as [string, string]
      const start = Process.start("serve", { ...env, PORT: first }).pipe(Scope.provide(scope))
      const services = yield* Effect.all([start, InProcessServe.start({ ...env, PORT: second })])
      const nginx = yield* Nginx.start(ports)
      return Service.of({
        agent,
        cluster,
        target,
        nginx: nginx.url,
        services,
        restart: Effect.map(start, (process) => {
          services[0] = process
        })
      })
    })
  )

/** Sends a message to a service, and waits until the agent's answer has begun. */
const begin = Effect.fnUntraced(function* (url: string, message: string, conversationId?: string) {
  const { target } = yield* Service
  const reading = Conversation.send(url, target, message, conversationId)
  yield* until(`the answer to ${message} begins`, () => reading.spoken.includes("Well"))
  return reading
})

/** The last tests end the first service. */
export const suite = (through: "PostgreSQL" | "PgBouncer") =>
  layer(service(through), { timeout: "60 seconds", excludeTestServices: true })((it) => {
    it.effect("an answer is resumed on every service from its first frame, and then live", () =>
      Effect.gen(function* () {
        const { agent, nginx, services, target } = yield* Service
        const message = `resume ${through}`
        const first = yield* begin(services[0].url, message)
        const { conversationId, messageId } = first
        agent.say(message, ", I say")
        yield* until("the reader has the agent's next words", () => first.spoken === "Well, I say")
        first.leave()
        const urls = [services[0].url, services[1].url, nginx, nginx, nginx, nginx]
        const readers = urls.map((url) => Conversation.resume(url, target, conversationId))
        yield* until("all have caught up", () => readers.every(({ spoken }) => spoken === "Well, I say"))
        agent.say(message, " this")
        yield* until("all read live", () => readers.every(({ spoken }) => spoken === "Well, I say this"))
        for (const reader of readers) {
          assert.deepInclude(reader, { status: 200, conversationId, messageId, isDone: false })
        }
        agent.say(message, ".")
        agent.finish(message)
        yield* until("all have the end", () => readers.every(({ isDone }) => isDone))
        for (const { finishReason, spoken } of readers) {
          assert.deepStrictEqual([spoken, finishReason], ["Well, I say this.", "stop"])
        }
        for (const { url } of services) {
          assert.deepInclude(yield* Effect.promise(() => Conversation.lastAnswer(url, target, conversationId)), {
            text: "Well, I say this.",
            ending: "stop"
          })
          const none = Conversation.resume(url, target, conversationId)
          yield* Effect.promise(() => none.ended)
          assert.strictEqual(none.status, 204)
        }
      })
    )

    it.effect("an answer is stopped from the other service, and its agent is no longer read", () =>
      Effect.gen(function* () {
        const { agent, services, target } = yield* Service
        const message = `stop ${through}`
        const first = yield* begin(services[0].url, message)
        const { conversationId } = first
        yield* until("the other service knows the answer", () =>
          Conversation.lastAnswer(services[1].url, target, conversationId).then(({ text }) => text === "Well")
        )
        const stop = () => Conversation.stop(services[1].url, target, conversationId)
        assert.deepStrictEqual(yield* Effect.promise(() => Promise.all([stop(), stop(), stop()])), [204, 204, 204])
        yield* until("the agent is not read", () => !agent.isRead(message))
        yield* until("the reader has the end", () => first.isDone)
        assert.deepStrictEqual([first.spoken, first.finishReason], ["Well", "other"])
        assert.deepInclude(
          yield* Effect.promise(() => Conversation.lastAnswer(services[0].url, target, conversationId)),
          { text: "Well", ending: "stopped" }
        )
        assert.strictEqual(yield* Effect.promise(stop), 204)
      })
    )

    it.effect("a message to the other service ends the running answer and is answered", () =>
      Effect.gen(function* () {
        const { agent, services, target } = yield* Service
        const [one, two] = [`first ${through}`, `second ${through}`]
        const first = yield* begin(services[0].url, one)
        const { conversationId } = first
        yield* until("the other service knows the answer", () =>
          Conversation.lastAnswer(services[1].url, target, conversationId).then(({ text }) => text === "Well")
        )
        const second = yield* begin(services[1].url, two, conversationId)
        yield* until("the first has its end", () => first.isDone && !agent.isRead(one))
        assert.strictEqual(first.finishReason, "other")
        agent.finish(two)
        yield* until("the second has its end", () => second.isDone)
        assert.strictEqual(second.finishReason, "stop")
        for (const { url } of services) {
          assert.deepStrictEqual(yield* Effect.promise(() => Conversation.read(url, target, conversationId)), [
            { role: "user", text: one, ending: undefined },
            { role: "assistant", text: "Well", ending: "superseded" },
            { role: "user", text: two, ending: undefined },
            { role: "assistant", text: "Well", ending: "stop" }
          ])
        }
      })
    )

    it.effect("the answer of a killed process is marked as cut, and its readers get an error", () =>
      Effect.gen(function* () {
        const { cluster, services, restart, target } = yield* Service
        const message = `kill ${through}`
        const first = yield* begin(services[0].url, message)
        const { conversationId } = first
        const reader = Conversation.resume(services[1].url, target, conversationId)
        yield* until("the other service knows the answer", () => reader.spoken === "Well")
        yield* services[0].signal("SIGKILL")
        yield* services[0].ended
        // Ends the lease at once. `Answers.test.ts` waits until a lease ends by itself.
        yield* cluster.use(
          (sql) => sql`UPDATE conversation SET lease_until = clock_timestamp() WHERE running IS NOT NULL`
        )
        const answer = yield* until("the answer is marked", async () => {
          const found = await Conversation.lastAnswer(services[1].url, target, conversationId)
          return found.ending === null ? false : found
        })
        assert.deepInclude(answer, { text: "Well", ending: "cut" })
        yield* until("the reader has the last frame", () => reader.isDone)
        assert.deepStrictEqual([reader.spoken, reader.finishReason], ["Well", "error"])
        yield* restart
        const next = yield* begin(services[0].url, `after the ${message}`, conversationId)
        next.leave()
      })
    )

    it.effect("after SIGTERM, a process lets answers finish for a while, and stores what it has of the others", () =>
      Effect.gen(function* () {
        const { agent, services, target } = yield* Service
        const [short, long, alone] = [`short ${through}`, `long ${through}`, `alone ${through}`]
        const readings = yield* Effect.forEach([short, long, alone], (message) => begin(services[0].url, message), {
          concurrency: "unbounded"
        })
        const [shortReading, longReading, aloneReading] = readings
        aloneReading!.leave()
        yield* services[0].signal("SIGTERM")
        agent.say(short, " done")
        agent.finish(short)
        for (const message of [long, alone]) agent.say(message, " and on")
        assert.deepStrictEqual(yield* services[0].ended, { code: 0, signal: null }, services[0].output())
        assert.isTrue(shortReading!.isDone && longReading!.isDone)
        assert.strictEqual(shortReading!.finishReason, "stop")
        assert.strictEqual(longReading!.finishReason, "error")
        const answers = yield* Effect.forEach(readings, ({ conversationId }) =>
          Effect.promise(() => Conversation.lastAnswer(services[1].url, target, conversationId))
        )
        assert.deepStrictEqual(
          answers.map(({ ending, text }) => [text, ending]),
          [
            ["Well done", "stop"],
            ["Well and on", "cut"],
            ["Well and on", "cut"]
          ]
        )
      })
    )
  })
