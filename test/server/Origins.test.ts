/**
 * Allowed origins over a real socket: a copied snippet does not work on another website, at any of the three endpoints.
 */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Clock, Effect, Option, Schedule } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { pageViews } from "../support/Counts.ts"
import type { Storage } from "../support/Storages.ts"
import { paths, TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import { submissionsOf } from "../support/TestSubmissions.ts"

const own = "https://shop.example"
const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }

let agentCalls = 0

/** A website and an instance with allowed origins; `all` sends a request with these headers to each of the three endpoints. */
const guarded = Effect.gen(function* () {
  const { send } = yield* TestServer
  const site = yield* SiteDirectory.use((sites) =>
    sites.create({ name: "Guarded", origins: [own, "http://b.example:81"] })
  )
  const instance = yield* InstanceDirectory.use((instances) =>
    instances.create({ name: "Guarded", agent_url: "http://agent", memory: "agent", origins: [own] })
  )
  const token = Option.getOrThrow(
    yield* WidgetTokens.use((tokens) =>
      tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
    )
  ).token
  const all = (headers: Record<string, string>) =>
    Effect.all({
      track: send(
        paths.track,
        { site_id: site.trackingToken, page_path: "/" },
        { headers: { ...browser, ...headers } }
      ),
      submit: send(paths.submit, { site_id: site.websiteConfigId, form_data: { a: 1 } }, { headers }),
      chat: send(
        paths.chat(instance.instance_id),
        { message: "hi" },
        { headers: { "x-widget-token": token, ...headers } }
      )
    })
  const stored = Effect.gen(function* () {
    const views = yield* pageViews(site.hostedWebsiteId, { days: 1, now: yield* Clock.currentTimeMillis })
    const submissions = yield* submissionsOf(site.websiteConfigId)
    return { pageViews: views, submissions: submissions.length }
  })
  return { all, instance, site, stored }
})

const agent = () => {
  agentCalls++
  return ScriptedAgent.texts(["Hello"])
}

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("a foreign page is refused even if it sends many other headers first", () =>
    Effect.gen(function* () {
      const { all, stored } = yield* guarded
      // Nearly as many as a request may have, which is 200.
      const many = Object.fromEntries(Array.from({ length: 180 }, (_, number) => [`a${number}`, ""]))
      const refused = yield* all({ ...many, origin: "https://evil.example" })
      for (const answer of Object.values(refused)) assert.strictEqual(answer.status, 403)
      assert.deepStrictEqual(yield* stored, { pageViews: 0, submissions: 0 })
      const accepted = yield* all({ ...many, origin: own })
      assert.deepStrictEqual([accepted.track.status, accepted.submit.status, accepted.chat.status], [204, 200, 200])
    })
  )

  it.effect("the refusal names the command that allows the page, and changed origins apply without a restart", () =>
    Effect.gen(function* () {
      const { all, instance, site } = yield* guarded
      const other = "https://new.example"
      const { chat, submit, track } = yield* all({ origin: other })
      for (const [answer, kind] of [
        [track, "site"],
        [submit, "site"],
        [chat, "instance"]
      ] as const) {
        assert.strictEqual(answer.status, 403)
        assert.include(answer.text, `\`hydracore ${kind} update\``)
      }
      yield* SiteDirectory.use((sites) => sites.update(site.websiteConfigId, { origins: [other] }))
      yield* InstanceDirectory.use((instances) => instances.update(instance.instance_id, { origins: [other] }))
      // A directory may cache a website for ten seconds.
      yield* Effect.repeat(all({ origin: other }), {
        schedule: Schedule.spaced("500 millis"),
        until: ({ chat, submit, track }) => track.status === 204 && submit.status === 200 && chat.status === 200
      })
      const refused = yield* all({ origin: own })
      for (const answer of Object.values(refused)) assert.strictEqual(answer.status, 403)
    })
  )

  it.effect("a page on another origin is refused with a readable sentence, and nothing is stored", () =>
    Effect.gen(function* () {
      const { all, stored } = yield* guarded
      const before = agentCalls
      for (const headers of [
        { origin: "https://evil.example" },
        { origin: "http://shop.example" },
        { origin: "https://shop.example.evil.example" },
        { origin: "null" },
        { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
        { "sec-fetch-site": "cross-site" }
      ]) {
        const answers = yield* all(headers as Record<string, string>)
        for (const [name, answer] of Object.entries(answers)) {
          assert.strictEqual(answer.status, 403, `${name} ${JSON.stringify(headers)}`)
          assert.match((answer.json as { detail: string }).detail, /origin/)
          assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
        }
        for (const { headers: received } of [answers.track, answers.submit]) {
          assert.strictEqual(received.get("x-hydracore-decision"), "foreign-origin")
        }
      }
      assert.deepStrictEqual(yield* stored, { pageViews: 0, submissions: 0 })
      assert.strictEqual(agentCalls, before)
    })
  )

  it.effect("the website's own pages, and clients that are not browsers, are accepted", () =>
    Effect.gen(function* () {
      const { all, stored } = yield* guarded
      const requests: ReadonlyArray<Record<string, string>> = [
        { origin: own },
        { origin: "HTTPS://Shop.Example:443" },
        { origin: own, "sec-fetch-site": "cross-site" },
        {},
        { origin: "null", "sec-fetch-site": "same-origin" }
      ]
      for (const headers of requests) {
        const { chat, submit, track } = yield* all(headers)
        assert.deepStrictEqual([track.status, submit.status, chat.status], [204, 200, 200], JSON.stringify(headers))
        assert.strictEqual(track.headers.get("x-hydracore-decision"), "counted")
        assert.strictEqual(submit.headers.get("x-hydracore-decision"), "counted")
      }
      assert.deepStrictEqual(yield* stored, { pageViews: requests.length, submissions: requests.length })
    })
  )

  it.effect("a foreign page with a wrong token gets only 401", () =>
    Effect.gen(function* () {
      const { instance, send } = yield* TestServer
      const headers = { origin: "https://evil.example", "x-widget-token": `hwt_${"A".repeat(43)}` }
      assert.strictEqual((yield* send(paths.chat(instance.instance_id), { message: "hi" }, { headers })).status, 401)
    })
  )

  it.effect("the OpenAPI document describes the 403 of the endpoints that check origins", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      const { json } = yield* send("/openapi.json", undefined, { method: "GET" })
      const { paths: documented } = json as {
        paths: Record<string, { post: { responses: Record<string, { description: string }> } }>
      }
      const instance = "/v1/public/widget/{instance_id}"
      const clients = [`${instance}/openai/v1/chat/completions`, `${instance}/ag-ui`]
      const published = [paths.track, paths.submit, paths.chat("{instance_id}"), ...clients]
      const responses = published.map((path) => documented[path]!.post.responses)
      for (const response of responses) assert.include(response["403"]?.description ?? "", "origin")
    })
  )
}

layer(testServer({}, agent), { excludeTestServices: true })("http: origins", suite)
