/**
 * The deletion of websites over HTTP.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import * as Mailer from "../../src/delivery/mail/Mailer.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../src/platform/Id.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { newCookie, send } from "../support/OwnerRequests.ts"
import { locationsOf, opened } from "../support/OwnerSession.ts"
import * as SubmissionDrafts from "../support/SubmissionDraft.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import { poll } from "../support/Wait.ts"

const key = Redacted.make<Uint8Array>(new Uint8Array(32))
const secretsKey = Option.some(key)

const mail = Option.some({
  mailer: Mailer.makeMemory([]),
  sender: {
    from: { name: "Edge", address: "mail@edge.example" },
    publicUrl: "https://edge.example",
    consoleUrl: null,
    secretsKey: key
  }
})

layer(testServer({ secretsKey }, undefined, undefined, mail), { excludeTestServices: true })(
  "deletion of websites",
  (it) => {
    it.effect(
      "requests for a deleted website get a 404 at once, also those to create something, and its widget tokens become invalid",
      () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const cookie = yield* newCookie("owner", "all")
          const instance = { name: "A", agent_url: "https://agent.example" }
          const [mine, elsewhere] = [yield* opened, yield* opened]
          const request = (site: { readonly websiteConfigId: WebsiteConfigId }, path: string, body?: unknown) =>
            Effect.map(
              send(url, `/v1/owner/sites/${site.websiteConfigId}${path}`, {
                cookie,
                ...(body === undefined ? {} : { body })
              }),
              ({ status }) => status
            )
          const tokens = yield* WidgetTokens
          const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
            instances.create({
              name: "A",
              agent_url: "https://a.example",
              website_config_id: mine.site.websiteConfigId
            })
          )
          const { token } = yield* tokens
            .issue({ reach: "all", instanceId, label: null, expiresAt: null })
            .pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
          assert.isTrue(Option.isSome(yield* tokens.authenticate(instanceId, token)))
          for (const { site } of [mine, elsewhere]) assert.strictEqual(yield* request(site, "/instances"), 200)
          assert.strictEqual(yield* request(mine.site, "/delete", { name: "A" }), 200)
          for (const path of ["", "/instances", "/submissions", "/goals"]) {
            assert.strictEqual(yield* request(mine.site, path), 404, path)
          }
          assert.strictEqual(yield* request(mine.site, "/instances", instance), 404)
          yield* poll(tokens.authenticate(instanceId, token), Option.isNone)
          // As if another process deleted the website, which is still in the cache of this process.
          yield* SiteErasure.use((erasure) => erasure.erase(elsewhere.site.websiteConfigId))
          // An instance is last, because its creation empties the cache.
          for (const [path, body] of [
            ["goals", { kind: "event", value: "signup" }],
            ["shares", {}],
            ["webhooks", { url: "https://hooks.example.com/" }],
            ["notifications", { to: "a@example.com" }],
            ["instances", instance]
          ] as const) {
            const created = yield* send(url, `/v1/owner/sites/${elsewhere.site.websiteConfigId}/${path}`, {
              cookie,
              body
            })
            assert.strictEqual(created.status, 404, path)
            assert.include(created.text, "no website with this site_id", path)
          }
        })
    )

    it.effect("deletes a website with its data, but only if the request contains its name", () =>
      Effect.gen(function* () {
        const { request, site } = yield* opened
        const { websiteConfigId } = site
        yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDrafts.make(websiteConfigId)))
        for (const body of [{ name: "B" }, { name: "a" }, { name: "" }, {}]) {
          const answer = yield* request("POST", "/delete", body)
          assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body.name"]], JSON.stringify(body))
        }
        const deleted = yield* request("POST", "/delete", { name: "A" })
        assert.strictEqual(deleted.status, 200)
        assert.deepInclude(JSON.parse(deleted.text), { submissions: 1, page_views: 0, conversations: 0 })
        const listed = yield* SiteDirectory.use((sites) => sites.list)
        assert.notInclude(
          listed.map((site) => site.websiteConfigId),
          websiteConfigId
        )
        assert.notInclude([200, 204], (yield* request("POST", "/delete", { name: randomUUID() })).status)
      })
    )
  }
)
