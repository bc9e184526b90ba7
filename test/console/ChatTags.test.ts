/**
 * The tag of a chat in the console, and the checks of whether the assistant answers its visitors.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { AgentFailures } from "../../src/chat/AgentFailures.ts"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentRefused } from "../../src/chat/AgentStream.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import { Problems } from "../../src/health/Problem.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as SetUpPage from "../support/console/SetUpPage.ts"
import { paths, TestServer, onFewConnections as testServer } from "../support/TestServer.ts"

/** An agent that refuses a message with the status that the message names, and answers others at length. */
const agent: ScriptedAgent.Script = ({ message }) =>
  /^\d+$/.test(message)
    ? Stream.fail(new AgentRefused({ reason: `it answered ${message}`, status: Number(message) }))
    : ScriptedAgent.texts(["**Hello.** ".repeat(100), "Bye."])

const layer = Layer.mergeAll(ConsolePage.SharedOwner.layer, ConsolePage.SpareSites.layer("Chats", 2)).pipe(
  Layer.provideMerge(testServer({}, agent)),
  Layer.orDie
)

/** A website with an assistant, and a function that opens one of its settings. */
const withAssistant = Effect.gen(function* () {
  const site = yield* ConsolePage.SpareSites.use(({ take }) => take)
  const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
    instances.create({
      name: "Concierge",
      agent_url: "https://agent.example.com",
      website_config_id: site.websiteConfigId
    })
  )
  return { site, instanceId }
})

inChromium("the console's tags of chats", layer, (it) => {
  it.effect("the tag stands under Install with a token that works, and again where the token is listed", () =>
    Effect.gen(function* () {
      const { instanceId, site } = yield* withAssistant
      const { send } = yield* TestServer
      // A token that has expired is none.
      const expired = { instanceId, reach: site.websiteConfigId, label: null, expiresAt: 1 }
      yield* WidgetTokens.use(({ issue }) => issue(expired))
      const { on, page, url } = yield* SetUpPage.show(site, "install")
      yield* on(() => page.getByText("The tokens of this assistant have expired").waitFor())
      yield* on(() => page.getByRole("button", { name: "Issue a token" }).click())
      const tag = page.locator("code", { hasText: "<hydracore-chat" })
      const shown = (yield* on(() => tag.textContent())) ?? ""
      assert.include(shown, `<script type="module" src="${url}/v1/public/chat.js"></script>`)
      assert.include(shown, `instance="${instanceId}"`)
      const [, token = ""] = /token="(hwt_[^"]+)"/.exec(shown) ?? []
      const headers = { "x-widget-token": token }
      assert.strictEqual((yield* send(paths.chat(instanceId), { message: "Hi" }, { headers })).status, 200)
      yield* on(() => page.getByText(/^A visitor got an answer /).waitFor())
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "main")), [])
      yield* on(() => page.getByRole("link", { name: "Assistants" }).last().click())
      yield* on(() => page.getByRole("button", { name: "Show the tag" }).last().click())
      assert.strictEqual(yield* on(() => page.getByRole("dialog").locator("code").textContent()), shown)
    })
  )

  it.effect("answers that failed are no green check: since when, and the next step", () =>
    Effect.gen(function* () {
      const { instanceId, site } = yield* withAssistant
      const { send } = yield* TestServer
      const { loaded, on, page } = yield* SetUpPage.show(site, "assistants")
      yield* on(() => page.getByRole("button", { name: "Issue a token" }).click())
      yield* on(() => page.getByRole("button", { name: "Create" }).click())
      const tag = (yield* on(() => page.getByRole("dialog").locator("code").textContent())) ?? ""
      const [, token = ""] = /token="(hwt_[^"]+)"/.exec(tag) ?? []
      const ask = (message: string) =>
        Effect.map(
          send(paths.chat(instanceId), { message }, { headers: { "x-widget-token": token } }),
          ({ status }) => status
        )
      const problems = Problems.use(({ of }) => of([site])).pipe(
        Effect.map((found) => found.get(site.websiteConfigId)?.map(({ kind }) => kind))
      )
      const text = "The last 4 answers failed, the first of them"
      const failing = page.locator(".check-line.bad", { hasText: text })
      const reload = Effect.andThen(
        on(() => page.reload()),
        loaded
      )
      assert.strictEqual(yield* ask("Hi"), 200)
      yield* reload
      yield* on(() => page.locator(".check-line.good", { hasText: "A visitor got an answer" }).waitFor())
      for (const message of ["401", "500", "401", "500"]) assert.strictEqual(yield* ask(message), 502)
      yield* AgentFailures.use(({ flush }) => flush)
      assert.deepStrictEqual(yield* problems, ["agent_failed"])
      yield* reload
      assert.match((yield* on(() => failing.textContent())) ?? "", /\. Press Try to see why\.$/)
      assert.strictEqual(yield* on(() => page.locator(".check-line.good").count()), 0)
      yield* on(() => page.getByRole("link", { name: "Install", exact: true }).click())
      yield* on(() => failing.filter({ hasText: "Press Try under Assistants to see why." }).waitFor())
      // A question that tries the assistant ends its failures as a visitor's does.
      yield* on(() => page.getByRole("link", { name: "Assistants" }).last().click())
      yield* on(() => page.getByRole("button", { name: "Try" }).click())
      yield* on(() => page.getByRole("button", { name: "Ask" }).click())
      // As the chat shows it.
      yield* on(() => page.getByRole("dialog").locator("strong", { hasText: "Hello." }).first().waitFor())
      yield* on(() => page.locator(".check-line.good", { hasText: "A visitor got an answer" }).waitFor())
      assert.deepStrictEqual(yield* problems, [])
    })
  )
})
