/**
 * What is wrong with a website, from the requests that cause it to what `hydracore health` and the owner API say, and that it is well
 * again when the cause is gone.
 *
 * Imports nothing of `src`.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { poll } from "../support/Wait.ts"
import * as Agent from "./Agent.ts"
import * as Command from "./Command.ts"
import { call, layerWith, Service } from "./owner/Service.ts"

interface Health {
  readonly well: boolean
  readonly websites: ReadonlyArray<{ readonly problems: ReadonlyArray<Readonly<Record<string, unknown>>> }>
}

layer(layerWith({ RATE_LIMIT_FORMS: "off" }), { excludeTestServices: true, timeout: "5 minutes" })("health", (it) => {
  it.effect("names an agent that refuses, an unknown origin and a rule, until each is mended", () =>
    Effect.gen(function* () {
      const agent = yield* Agent.start()
      const { command, env, url } = yield* Service
      const site = yield* command(["site", "create", "--name", "Shop", "--origin", "https://shop.example"])
      const siteId = `${site["site_id"]}`
      const { instance_id: instance = "" } = yield* command([
        ...["instance", "create", "--name", "Guide", "--agent-url", agent.url, "--site", siteId, "--no-check"]
      ])
      const { token = "" } = yield* command(["token", "issue", "--instance", instance])
      yield* call("PUT", `/v1/owner/sites/${siteId}/forms`, { page: "contact", rules: { phone: { required: true } } })

      const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
        Effect.promise(async () => {
          const response = await fetch(url + path, {
            method: "POST",
            headers: { "content-type": "application/json", "user-agent": "Mozilla/5.0 Firefox/140.0", ...headers },
            body: JSON.stringify(body)
          })
          await response.text()
          return response.status
        })
      const ask = (message: string) =>
        post(`/v1/public/widget/${instance}/chat`, { message }, { "x-widget-token": token })
      const submit = post("/v1/public/forms/submit", {
        site_id: siteId,
        page_slug: "contact",
        form_data: { name: "A secret name" }
      })
      const view = post(
        "/v1/public/analytics/track",
        { site_id: site["tracking_token"], page_path: "/" },
        { origin: "https://new.example" }
      )
      const health = Effect.map(
        call("GET", `/v1/owner/sites/${siteId}/health`),
        ({ json }) => json["problems"] as unknown as ReadonlyArray<Readonly<Record<string, unknown>>>
      )
      const kinds = Effect.map(health, (problems) => problems.map(({ kind }) => kind))
      assert.deepStrictEqual(yield* health, [])

      for (let time = 0; time < 2; time++) assert.strictEqual(yield* ask("refuse 401"), 502)
      for (let time = 0; time < 3; time++) assert.strictEqual(yield* view, 403)
      for (let time = 0; time < 10; time++) assert.strictEqual(yield* submit, 422)
      yield* poll(kinds, (found) => found.length === 3)
      const { code, stderr, stdout } = yield* Command.run(["health", "--site", "Shop", "--json"], env)
      assert.strictEqual(code, 1)
      assert.include(stderr, "3 problems found")
      const printed: Health = JSON.parse(stdout)
      assert.isFalse(printed.well)
      assert.deepStrictEqual(
        printed.websites.flatMap(({ problems }) =>
          problems.map(({ count, field, kind, subject }) => ({ kind, subject, field, count }))
        ),
        [
          { kind: "agent_failed", subject: "Guide", field: null, count: 2 },
          { kind: "origin_refused", subject: "https://new.example", field: null, count: 3 },
          { kind: "form_rules_refuse", subject: "contact", field: "phone", count: 10 }
        ]
      )
      assert.notInclude(stdout, "A secret name")
      assert.notInclude(stdout, Agent.secret)

      assert.strictEqual(yield* ask("hello"), 200)
      yield* call("PATCH", `/v1/owner/sites/${siteId}`, { origins: ["https://shop.example", "https://new.example"] })
      yield* poll(kinds, (found) => found.length === 1)
      assert.deepStrictEqual(yield* kinds, ["form_rules_refuse"])
    })
  )
})
