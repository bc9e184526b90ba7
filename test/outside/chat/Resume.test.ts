/**
 * Conversations over two services on one database: answers that are followed, resumed, stopped or ended by a message at either
 * service, and what is left of answers whose process ends. Imports nothing of `src`.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Scope } from "effect"
import * as Conversation from "../../../scripts/torture/Conversation.ts"
import type { Target } from "../../../scripts/torture/Load.ts"
import * as Nginx from "../../../scripts/torture/Nginx.ts"
import * as PgBouncer from "../../../scripts/torture/PgBouncer.ts"
import * as Process from "../../support/Process.ts"
import { describeWith } from "../../support/Programs.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { until } from "../../support/Wait.ts"
import * as Agent from "../Agent.ts"
import * as Command from "../Command.ts"

class Services extends Context.Service<
  Services,
  {
    readonly agent: Agent.Agent
    readonly target: Pick<Target, "instanceId" | "widgetToken">
    readonly services: [Process.Process, Process.Process]
    /** The URLs of both services, and those of proxies before both. */
    readonly urls: ReadonlyArray<string>
    /** Starts the first service again. */
    readonly restart: Effect.Effect<void>
    /** Ends the leases of running answers at once. By itself, a lease ends in ten seconds at most. */
    readonly endLeases: Effect.Effect<void>
  }
>()("test/outside/chat/Resume/Services") {}

/**
 * The first service reaches the database through PgBouncer or not; the second reaches it directly, and has two workers. A website's
 * visitors reach both through nginx, if it is installed.
 */
const start = (through: "PostgreSQL" | "PgBouncer"): Layer.Layer<Services> =>
  Layer.effect(
    Services,
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const sql = yield* TestDatabase.clientOf(connection)
      const direct = Redacted.value(connection.url)
      const use: PgBouncer.Server["use"] = (run) => Effect.orDie(run(sql))
      const database = through === "PgBouncer" ? yield* PgBouncer.start({ url: direct, use }) : direct
      const agent = yield* Agent.start()
      const scope = yield* Effect.scope
      const env = {
        DATABASE_URL: direct,
        TRUSTED_PROXIES: "127.0.0.1",
        SHUTDOWN_GRACE: "5 seconds",
        RATE_LIMIT_CHAT_READ: "off"
      }
      const first = Process.start("serve", { ...env, DATABASE_URL: database }).pipe(Scope.provide(scope))
      const target = Effect.gen(function* () {
        const create = ["instance", "create", "--name", "Support", "--agent-url", agent.url, "--no-check"]
        const { instance_id: instanceId = "" } = yield* Command.json(create, env)
        const { token: widgetToken = "" } = yield* Command.json(["token", "issue", "--instance", instanceId], env)
        return { instanceId, widgetToken }
      })
      const [one, two, made] = yield* Effect.all([first, Process.start("serve", env, ["--workers", "2"]), target], {
        concurrency: 2
      })
      const proxies = Nginx.executable === undefined ? [] : [yield* Nginx.start([one.port, two.port])]
      const services: [Process.Process, Process.Process] = [one, two]
      return {
        agent,
        target: made,
        services,
        urls: [one.url, two.url, ...proxies.flatMap(({ url }) => [url, url])],
        restart: Effect.map(first, (process) => {
          services[0] = process
        }),
        endLeases: Effect.orDie(sql`UPDATE conversation SET lease_until = clock_timestamp() WHERE running IS NOT NULL`)
      }
    }).pipe(Effect.orDie)
  )

/** Sends a message to a service, and waits until the agent's answer has begun. */
const begin = Effect.fnUntraced(function* (service: Process.Process, message: string, conversationId?: string) {
  const { target } = yield* Services
  const reading = Conversation.send(service.url, target, message, conversationId)
  yield* until(`the answer to ${message} begins`, () => reading.spoken === "begun")
  return reading
})

const lastAnswer = ({ url }: Process.Process, conversationId: string) =>
  Services.use(({ target }) => Effect.promise(() => Conversation.lastAnswer(url, target, conversationId)))

/** Waits until a service knows the beginning of an answer. */
const untilKnown = ({ url }: Process.Process, conversationId: string) =>
  Services.use(({ target }) =>
    until("the other service knows the answer", () =>
      Conversation.lastAnswer(url, target, conversationId).then(({ text }) => text === "begun")
    )
  )

/** The last tests end the first service. */
const suite = (through: "PostgreSQL" | "PgBouncer") =>
  layer(start(through), { timeout: "5 minutes", excludeTestServices: true })((it) => {
    for (const [here, there] of [
      [0, 1],
      [1, 0]
    ] as const) {
      it.effect(`an answer of service ${here} is resumed on each from its first frame, and then live`, () =>
        Effect.gen(function* () {
          const { agent, services, target, urls } = yield* Services
          const message = `wait to be resumed ${here}`
          const first = yield* begin(services[here], message)
          const { conversationId, messageId } = first
          agent.say(message, ", I say")
          yield* until("the reader has the agent's next words", () => first.spoken === "begun, I say")
          first.leave()
          const readers = urls.map((url) => Conversation.resume(url, target, conversationId))
          yield* until("all have caught up", () => readers.every(({ spoken }) => spoken === "begun, I say"))
          agent.say(message, " this")
          yield* until("all read live", () => readers.every(({ spoken }) => spoken === "begun, I say this"))
          for (const reader of readers) {
            assert.deepInclude(reader, { status: 200, conversationId, messageId, isDone: false })
          }
          agent.say(message, ".")
          agent.finish(message)
          yield* until("all have the end", () => readers.every(({ isDone }) => isDone))
          for (const { finishReason, spoken } of readers) {
            assert.deepStrictEqual([spoken, finishReason], ["begun, I say this.", "stop"])
          }
          for (const service of services) {
            const answer = yield* lastAnswer(service, conversationId)
            assert.deepInclude(answer, { text: "begun, I say this.", ending: "stop" })
            const none = Conversation.resume(service.url, target, conversationId)
            yield* Effect.promise(() => none.ended)
            assert.strictEqual(none.status, 204)
          }
        })
      )

      it.effect(`an answer of service ${here} is stopped from the other, and its agent is no longer read`, () =>
        Effect.gen(function* () {
          const { agent, services, target } = yield* Services
          const message = `wait to be stopped ${here}`
          const first = yield* begin(services[here], message)
          const { conversationId } = first
          yield* untilKnown(services[there], conversationId)
          const stop = () => Conversation.stop(services[there].url, target, conversationId)
          assert.deepStrictEqual(yield* Effect.promise(() => Promise.all([stop(), stop(), stop()])), [204, 204, 204])
          yield* until("the agent is not read", () => !agent.isRead(message))
          yield* until("the reader has the end", () => first.isDone)
          assert.deepStrictEqual([first.spoken, first.finishReason], ["begun", "other"])
          const answer = yield* lastAnswer(services[here], conversationId)
          assert.deepInclude(answer, { text: "begun", ending: "stopped" })
          assert.strictEqual(yield* Effect.promise(stop), 204)
        })
      )

      it.effect(`a message to the other service ends the running answer of service ${here} and is answered`, () =>
        Effect.gen(function* () {
          const { agent, services, target } = yield* Services
          const [one, two] = [`wait for another ${here}`, `wait to be the second ${here}`]
          const first = yield* begin(services[here], one)
          const { conversationId } = first
          yield* untilKnown(services[there], conversationId)
          const second = yield* begin(services[there], two, conversationId)
          yield* until("the first has its end", () => first.isDone && !agent.isRead(one))
          assert.strictEqual(first.finishReason, "other")
          agent.finish(two)
          yield* until("the second has its end", () => second.isDone)
          assert.strictEqual(second.finishReason, "stop")
          for (const { url } of services) {
            assert.deepStrictEqual(yield* Effect.promise(() => Conversation.read(url, target, conversationId)), [
              { role: "user", text: one, ending: undefined },
              { role: "assistant", text: "begun", ending: "superseded" },
              { role: "user", text: two, ending: undefined },
              { role: "assistant", text: "begun", ending: "stop" }
            ])
          }
        })
      )
    }

    it.effect("the answer of a killed process is marked as cut, and its readers get an error", () =>
      Effect.gen(function* () {
        const { endLeases, restart, services, target } = yield* Services
        const first = yield* begin(services[0], "wait for the kill")
        const { conversationId } = first
        const reader = Conversation.resume(services[1].url, target, conversationId)
        yield* until("the other service knows the answer", () => reader.spoken === "begun")
        yield* services[0].signal("SIGKILL")
        yield* services[0].ended
        yield* endLeases
        const answer = yield* until("the answer is marked", async () => {
          const found = await Conversation.lastAnswer(services[1].url, target, conversationId)
          return found.ending === null ? false : found
        })
        assert.deepInclude(answer, { text: "begun", ending: "cut" })
        yield* until("the reader has the last frame", () => reader.isDone)
        assert.deepStrictEqual([reader.spoken, reader.finishReason], ["begun", "error"])
        yield* restart
        const next = yield* begin(services[0], "wait after the kill", conversationId)
        next.leave()
      })
    )

    it.effect("after SIGTERM, a process lets answers finish for a while, and stores what it has of the others", () =>
      Effect.gen(function* () {
        const { agent, services } = yield* Services
        const [short, long, alone] = ["wait a little", "wait for long", "wait alone"] as const
        const readings = yield* Effect.forEach([short, long, alone], (message) => begin(services[0], message), {
          concurrency: "unbounded"
        })
        const [shortReading, longReading, aloneReading] = readings
        aloneReading!.leave()
        yield* services[0].signal("SIGTERM")
        agent.say(short, " done")
        agent.finish(short)
        for (const message of [long, alone]) agent.say(message, " and on")
        assert.deepStrictEqual(yield* services[0].ended, { code: 0, signal: null }, services[0].output())
        yield* until("both readers have their end", () => shortReading!.isDone && longReading!.isDone)
        assert.strictEqual(shortReading!.finishReason, "stop")
        assert.strictEqual(longReading!.finishReason, "error")
        const answers = yield* Effect.forEach(readings, ({ conversationId }) => lastAnswer(services[1], conversationId))
        assert.deepStrictEqual(
          answers.map(({ ending, text }) => [text, ending]),
          [
            ["begun done", "stop"],
            ["begun and on", "cut"],
            ["begun and on", "cut"]
          ]
        )
      })
    )
  })

const title = "conversations over two services, the second of which has two workers"

if (PgBouncer.executable === undefined) describe(title, () => suite("PostgreSQL"))
describeWith([PgBouncer], `${title}, and the first is behind PgBouncer`, () => suite("PgBouncer"))
