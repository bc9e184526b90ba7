/**
 * AG-UI's client, and CopilotKit's core, which has an older one and which CopilotKit's React and Angular packages use. Imports
 * nothing of `src`.
 *
 * @module
 */
import { createRequire } from "node:module"
import { type AgentSubscriber, HttpAgent } from "@ag-ui/client"
import { CopilotKitCore, type CopilotKitCoreRunAgentParams } from "@copilotkit/core"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { until } from "../../support/Wait.ts"
import { Chat } from "./Chat.ts"

interface Configuration {
  readonly url: string
  readonly headers: Record<string, string>
}

const configuration = (widgetToken?: string) =>
  Effect.map(
    Chat,
    ({ instance, newVisitor }): Configuration => ({
      url: `${instance.url}/ag-ui`,
      headers: { "x-widget-token": widgetToken ?? instance.widgetToken, ...newVisitor() }
    })
  )

const newClient = (widgetToken?: string) =>
  Effect.map(configuration(widgetToken), (configuration) => new HttpAgent(configuration))

/**
 * Sends a message. Returns the types of the events, the error that the run reports, and the client's error for the request
 * or the stream.
 */
const say = (agent: HttpAgent, content: string) =>
  Effect.promise(async () => {
    const run: { events: Array<string>; runError?: string; clientError?: Error } = { events: [] }
    const subscriber: AgentSubscriber = {
      onEvent: ({ event }) => void run.events.push(event.type),
      onRunErrorEvent: ({ event }) => {
        run.runError = event.message
      },
      onRunFailed: ({ error }) => {
        run.clientError = error
      }
    }
    agent.addMessage({ id: crypto.randomUUID(), role: "user", content })
    await agent.runAgent({}, subscriber).catch(() => {})
    return run
  })

type CopilotKitAgent = CopilotKitCoreRunAgentParams["agent"]

const ofCopilotKit = createRequire(createRequire(import.meta.url).resolve("@copilotkit/core"))
const { HttpAgent: OlderHttpAgent }: { readonly HttpAgent: new (config: Configuration) => CopilotKitAgent } =
  ofCopilotKit("@ag-ui/client")

/** A core with one agent, a tool and a context, and the errors that it reports. */
const newCopilotKit = (widgetToken?: string) =>
  Effect.map(configuration(widgetToken), (configuration) => {
    const agent = new OlderHttpAgent(configuration)
    const core = new CopilotKitCore({ agents__unsafe_dev_only: { default: agent } })
    const errors: Array<string> = []
    core.subscribe({ onError: ({ error }) => void errors.push(error.message) })
    core.addTool({
      name: "paint",
      description: "Paints the page",
      parameters: Schema.toStandardJSONSchemaV1(Schema.toStandardSchemaV1(Schema.Struct({ color: Schema.String }))),
      handler: async () => "painted"
    })
    core.addContext({ description: "The page", value: "Prices" })
    const say = (content: string) =>
      Effect.promise(async () => {
        agent.addMessage({ id: crypto.randomUUID(), role: "user", content })
        await core.runAgent({ agent })
      })
    return { agent, core, errors, say }
  })

/** What the agent gets in the second turn: no system message, no tool, no context. */
const secondTurn = [
  { role: "user", content: "hello" },
  { role: "assistant", content: "You said hello" },
  { role: "user", content: "again" }
]

export const tests = (it: Vitest.MethodsNonLive<Chat>) => {
  it.effect("AG-UI's client runs several turns without an error of its verifier", () =>
    Effect.gen(function* () {
      const { agent } = yield* Chat
      const client = yield* newClient()
      client.setMessages([{ id: "s", role: "system", content: "You are a pirate." }])
      const { events, ...errors } = yield* say(client, "hello")
      assert.deepStrictEqual(errors, {})
      // How many deltas there are depends on how fast the agent writes.
      assert.deepStrictEqual(
        [...new Set(events)],
        [
          "RUN_STARTED",
          "STEP_STARTED",
          "STEP_FINISHED",
          "TEXT_MESSAGE_START",
          "TEXT_MESSAGE_CONTENT",
          "CUSTOM",
          "TEXT_MESSAGE_END",
          "RUN_FINISHED"
        ]
      )
      yield* say(client, "again")
      assert.strictEqual(client.messages.at(-1)?.content, "You said again")
      assert.deepStrictEqual(agent.requests.at(-1)!.messages, secondTurn)
    })
  )

  it.effect("AG-UI's client gets an HTTP error if the run cannot begin, and RUN_ERROR if it breaks off", () =>
    Effect.gen(function* () {
      const unauthorized = yield* say(yield* newClient("hwt_wrong"), "hello")
      assert.match(unauthorized.clientError?.message ?? "", /^HTTP 401: .*Issue a new token/)
      const refused = yield* say(yield* newClient(), "refuse 404")
      assert.match(refused.clientError?.message ?? "", /^HTTP 502/)
      const broken = yield* say(yield* newClient(), "break")
      assert.strictEqual(broken.events.at(-1), "RUN_ERROR")
      assert.strictEqual(broken.runError, "The answer was interrupted. Please try again.")
      assert.isUndefined(broken.clientError)
    })
  )

  it.effect("AG-UI's client ends the agent's answer by aborting the run", () =>
    Effect.gen(function* () {
      const { agent } = yield* Chat
      const client = yield* newClient()
      const aborted = Effect.andThen(
        until("the agent begins", () => client.messages.at(-1)?.content === "begun"),
        Effect.sync(() => client.abortRun())
      )
      yield* Effect.all([say(client, "wait for the abort"), aborted], { concurrency: "unbounded" })
      yield* until("the agent's end", () => !agent.isRead("wait for the abort"))
    })
  )

  it.effect("AG-UI: an invalid body gets a 422 with the place of the error, and a body that is too large a 413", () =>
    Effect.gen(function* () {
      const { headers, url } = yield* configuration()
      const post = (body: object) =>
        Effect.promise(async () => {
          const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })
          return { status: response.status, json: (await response.json()) as object }
        })
      const invalid = yield* post({ threadId: "t", messages: "none" })
      assert.strictEqual(invalid.status, 422)
      assert.deepStrictEqual(
        (invalid.json as { readonly detail: ReadonlyArray<{ readonly loc: unknown }> }).detail.map(({ loc }) => loc),
        [
          ["body", "runId"],
          ["body", "messages"]
        ]
      )
      const withoutMessage = yield* post({ threadId: "t", runId: "r", messages: [] })
      assert.strictEqual(withoutMessage.status, 422)
      const large = yield* post({ threadId: "x".repeat(1_100_000) })
      assert.strictEqual(large.status, 413)
    })
  )

  it.effect("CopilotKit runs several turns without an error; the agent gets neither its tools nor its context", () =>
    Effect.gen(function* () {
      const { agent } = yield* Chat
      const { agent: client, errors, say } = yield* newCopilotKit()
      yield* say("hello")
      yield* say("again")
      assert.deepStrictEqual(errors, [])
      assert.strictEqual(client.messages.at(-1)?.content, "You said again")
      assert.deepStrictEqual(agent.requests.at(-1)!.messages, secondTurn)
    })
  )

  it.effect("CopilotKit reports a refused token and an answer that breaks off", () =>
    Effect.gen(function* () {
      const unauthorized = yield* newCopilotKit("hwt_wrong")
      yield* unauthorized.say("hello")
      assert.match(unauthorized.errors.join(), /HTTP 401/)
      const broken = yield* newCopilotKit()
      yield* broken.say("break")
      assert.include(broken.errors.join(), "The answer was interrupted.")
    })
  )

  it.effect("CopilotKit ends the agent's answer by stopping the run", () =>
    Effect.gen(function* () {
      const { agent } = yield* Chat
      const { agent: client, core, say } = yield* newCopilotKit()
      const stopped = Effect.andThen(
        until("the agent begins", () => client.messages.at(-1)?.content === "begun"),
        Effect.sync(() => core.stopAgent({ agent: client }))
      )
      yield* Effect.all([say("wait for the stop"), stopped], { concurrency: "unbounded" })
      yield* until("the agent's end", () => !agent.isRead("wait for the stop"))
    })
  )
}
