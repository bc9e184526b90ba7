/**
 * CopilotKit's core, which its React and Angular packages use, against the service. It includes an older AG-UI client.
 */
import { createRequire } from "node:module"
import { CopilotKitCore, type CopilotKitCoreRunAgentParams } from "@copilotkit/core"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as RecordingAgent from "../../support/RecordingAgent.ts"
import * as TestServer from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

type Agent = CopilotKitCoreRunAgentParams["agent"]
type AgentConfig = { readonly url: string; readonly headers: Readonly<Record<string, string>> }

const copilotKit = createRequire(createRequire(import.meta.url).resolve("@copilotkit/core"))
const { HttpAgent }: { readonly HttpAgent: new (config: AgentConfig) => Agent } = copilotKit("@ag-ui/client")

/** A core with one agent, and the errors that it reports. */
const connect = (token?: string) =>
  Effect.map(TestServer.TestServer, ({ instance, url, widgetToken }) => {
    const agent = new HttpAgent({
      url: `${url}/v1/public/widget/${instance.instanceId}/ag-ui`,
      headers: { "x-widget-token": token ?? widgetToken }
    })
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

describe("CopilotKit", () => {
  const agent = RecordingAgent.make()
  layer(TestServer.layer({}, agent.script, undefined, undefined, "edge"), { excludeTestServices: true })((it) => {
    it.effect("runs several turns without an error; the agent does not get CopilotKit's tools and context", () =>
      Effect.gen(function* () {
        const { agent: client, errors, say } = yield* connect()
        yield* say("hello")
        yield* say("again")
        assert.deepStrictEqual(errors, [])
        assert.strictEqual(client.messages.at(-1)?.content, "You said again")
        assert.deepStrictEqual(agent.requests.at(-1)!.messages, [
          { role: "user", text: "hello" },
          { role: "assistant", text: "You said hello" },
          { role: "user", text: "again" }
        ])
      })
    )

    it.effect("reports a refused token and an answer that breaks off", () =>
      Effect.gen(function* () {
        const unauthorized = yield* connect("hwt_wrong")
        yield* unauthorized.say("hello")
        assert.match(unauthorized.errors.join(), /HTTP 401/)
        const broken = yield* connect()
        yield* broken.say("break")
        assert.include(broken.errors.join(), "The answer was interrupted.")
      })
    )

    it.effect("stopping the run ends the agent's answer", () =>
      Effect.gen(function* () {
        const { agent: client, core, say } = yield* connect()
        const { ended } = agent.endless
        const stopped = Effect.andThen(
          until("the agent begins", () => client.messages.at(-1)?.content === "on and on"),
          Effect.sync(() => core.stopAgent({ agent: client }))
        )
        yield* Effect.all([say("never end"), stopped], { concurrency: "unbounded" })
        yield* until("the agent's answer has ended", () => agent.endless.ended === ended + 1)
      })
    )
  })
})
