/**
 * The AG-UI client against the service.
 */
import { type AgentSubscriber, HttpAgent } from "@ag-ui/client"
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as RecordingAgent from "../../support/RecordingAgent.ts"
import * as TestServer from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

const connect = (token?: string) =>
  Effect.map(
    TestServer.TestServer,
    ({ instance, url, widgetToken }) =>
      new HttpAgent({
        url: `${url}/v1/public/widget/${instance.instanceId}/ag-ui`,
        headers: { "x-widget-token": token ?? widgetToken }
      })
  )

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

describe("the AG-UI client", () => {
  const agent = RecordingAgent.make()
  layer(TestServer.layer({}, agent.script, undefined, undefined, "edge"), { excludeTestServices: true })((it) => {
    it.effect("runs several turns without an error of its verifier", () =>
      Effect.gen(function* () {
        const client = yield* connect()
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
        assert.deepStrictEqual(agent.requests.at(-1)!.messages, [
          { role: "user", text: "hello" },
          { role: "assistant", text: "You said hello" },
          { role: "user", text: "again" }
        ])
      })
    )

    it.effect("gets an HTTP error if the run cannot begin, and RUN_ERROR if it breaks off", () =>
      Effect.gen(function* () {
        const unauthorized = yield* say(yield* connect("hwt_wrong"), "hello")
        assert.match(unauthorized.clientError?.message ?? "", /^HTTP 401: .*Issue a new token/)
        const refused = yield* say(yield* connect(), "refuse")
        assert.match(refused.clientError?.message ?? "", /^HTTP 502/)
        const broken = yield* say(yield* connect(), "break")
        assert.strictEqual(broken.events.at(-1), "RUN_ERROR")
        assert.strictEqual(broken.runError, "The answer was interrupted. Please try again.")
        assert.isUndefined(broken.clientError)
      })
    )

    it.effect("ends the agent's answer by aborting the run", () =>
      Effect.gen(function* () {
        const client = yield* connect()
        const { ended } = agent.endless
        const aborted = Effect.andThen(
          until("the agent begins", () => client.messages.at(-1)?.content === "on and on"),
          Effect.sync(() => client.abortRun())
        )
        yield* Effect.all([say(client, "never end"), aborted], { concurrency: "unbounded" })
        yield* until("the agent's end", () => agent.endless.ended === ended + 1)
      })
    )

    it.effect("an invalid body gets a 422 with the place of the error, and a body that is too large gets a 413", () =>
      Effect.gen(function* () {
        const { instance, send, widgetToken } = yield* TestServer.TestServer
        const path = `/v1/public/widget/${instance.instanceId}/ag-ui`
        const headers = { "x-widget-token": widgetToken }
        const answer = yield* send(path, { threadId: "t", messages: "none" }, { headers })
        assert.strictEqual(answer.status, 422)
        assert.deepStrictEqual(
          (answer.json as { detail: ReadonlyArray<{ loc: unknown }> }).detail.map(({ loc }) => loc),
          [
            ["body", "runId"],
            ["body", "messages"]
          ]
        )
        const withoutMessage = yield* send(path, { threadId: "t", runId: "r", messages: [] }, { headers })
        assert.strictEqual(withoutMessage.status, 422)
        const large = yield* send(path, { threadId: "x".repeat(1_100_000) }, { headers })
        assert.strictEqual(large.status, 413)
      })
    )
  })
})
