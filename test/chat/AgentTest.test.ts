/**
 * Trying the agent of an instance over HTTP.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentBusy } from "../../src/chat/AgentStream.ts"
import { limits } from "../../src/chat/InstanceInput.ts"
import { newCookie, send } from "../support/OwnerRequests.ts"
import { locationsOf, opened } from "../support/OwnerSession.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"

const url = "https://agent.example.com/v1"

/** Answers "long" with 600 characters, "busy" with a 529, and anything else with the instructions and the question. */
const agent: ScriptedAgent.Script = ({ instance, message }) =>
  message === "busy"
    ? Stream.fail(new AgentBusy({ reason: "it answered 529", status: 529, retryAfter: 1 }))
    : ScriptedAgent.texts(
        message === "long" ? ["a".repeat(300), "b".repeat(300)] : [`${instance.instructions}: `, message]
      )

layer(testServer({}, agent), { excludeTestServices: true })("trying an agent", (it) => {
  const created = Effect.gen(function* () {
    const { request, site } = yield* opened
    const body = { name: "A", agent_url: url, instructions: "Brief" }
    const { instance_id: id } = JSON.parse((yield* request("POST", "/instances", body)).text)
    const ask = (question: unknown) => request("POST", `/instances/${id}/test`, { question })
    return { id, site, request, ask }
  })

  it.effect("a test shows the beginning of the agent's answer, or the agent's problem, and stores nothing", () =>
    Effect.gen(function* () {
      const { ask, id, request } = yield* created
      const answer = JSON.parse((yield* ask(" When? ")).text)
      assert.deepInclude(answer, { answered: true, text: "Brief: When?", problem: null, status: null })
      assert.isAtLeast(answer.millis, answer.first_word_millis)
      const long: { readonly text: string } = JSON.parse((yield* ask("long")).text)
      assert.strictEqual(long.text, "a".repeat(300) + "b".repeat(200))
      const { millis, ...busy } = JSON.parse((yield* ask("busy")).text)
      const nothing = { answered: false, text: null, first_word_millis: null }
      assert.deepStrictEqual(busy, { ...nothing, problem: "busy", status: 529 })
      assert.isNumber(millis)
      const { conversations } = JSON.parse((yield* request("GET", `/instances/${id}/conversations`)).text)
      assert.deepStrictEqual(conversations, [])
    })
  )

  it.effect("a test needs a question of limited length and a caller that may change the website", () =>
    Effect.gen(function* () {
      const { ask, id, site } = yield* created
      const { url: server } = yield* TestServer
      for (const question of ["", " ", "a\0", "x".repeat(limits.question + 1), 5, undefined]) {
        const answer = yield* ask(question)
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body.question"]], String(question))
      }
      const cookie = yield* newCookie("viewer", [site.websiteConfigId])
      const path = `/v1/owner/sites/${site.websiteConfigId}/instances/${id}/test`
      assert.strictEqual((yield* send(server, path, { cookie, body: { question: "When?" } })).status, 404)
      const other = yield* opened
      const foreign = yield* other.request("POST", `/instances/${id}/test`, { question: "When?" })
      assert.strictEqual(foreign.status, 404)
    })
  )
})

layer(
  testServer({}, () => Stream.never),
  { excludeTestServices: true }
)("trying a silent agent", (it) => {
  it.effect("a caller runs at most two tests at once", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      const { instance_id: id } = JSON.parse((yield* request("POST", "/instances", { name: "A", agent_url: url })).text)
      const ask = request("POST", `/instances/${id}/test`, { question: "When?" })
      const first = yield* Effect.raceAll([ask, ask, ask])
      assert.strictEqual(first.status, 429)
      assert.isTrue(first.headers.has("retry-after"))
    })
  )
})
