/**
 * No key, session or request reaches the operator's API or identity: both exist only in the process of a command.
 */
import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { assert, it, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { Api } from "../../../src/api/Api.ts"
import { OwnerApi } from "../../../src/api/OwnerApi.ts"
import { groups } from "../../../src/cli/operator/Groups.ts"
import { prefix } from "../../../src/cli/operator/Operations.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import type { Storage } from "../../support/MemoryStorage.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, TestServer } from "../../support/TestServer.ts"

/** The methods and paths of the operator's API. */
const endpoints = (
  await Promise.all(
    Object.values(groups).map(async (load) => {
      const found: Array<{ readonly method: string; readonly path: string }> = []
      const { Api } = (await load({ secretsKey: Option.none(), webhookAllow: [] })) as Awaited<
        ReturnType<typeof groups.sites>
      >
      HttpApi.reflect(Api, {
        onGroup: () => {},
        onEndpoint: ({ endpoint }) => found.push({ method: endpoint.method, path: endpoint.path })
      })
      return found
    })
  )
).flat()

const newKey = OwnerKeys.use((keys) => keys.issue({ scope: "write", sites: "all", label: null, expiresAt: null })).pipe(
  Effect.flatMap(Effect.fromOption),
  Effect.orDie
)

layer(onPostgres(), { excludeTestServices: true })("the operator's API", (it) => {
  it.effect("is on no server, for no key and no session", () =>
    Effect.gen(function* () {
      const { url, websiteConfigId } = yield* TestServer
      const { key } = yield* newKey
      const cookie = yield* newCookie("owner", "all")
      const body = { name: "Test", with_instances: true }
      for (const { path } of endpoints) assert.isTrue(path.startsWith(prefix), path)
      assert.isNotEmpty(endpoints)
      for (const { method, path } of endpoints) {
        const target = path
          .replace(":site_id", websiteConfigId)
          .replace(":kind", "goal")
          .replace(/:[a-z_]+/g, websiteConfigId)
        const request = method === "GET" ? { init: { method } } : { body, init: { method } }
        for (const credentials of [{}, { key }, { cookie }, { key: "operator" }]) {
          for (const base of ["", "/v1", "/v1/owner"]) {
            const answer = yield* send(url, `${base}${target}`, { ...credentials, ...request })
            assert.notStrictEqual(answer.status, 200, `${base}${target}`)
          }
          assert.strictEqual((yield* send(url, target, { ...credentials, ...request })).status, 404, target)
        }
      }
      const site = yield* SiteDirectory.use((directory) => directory.byWebsiteConfigId(websiteConfigId))
      assert.isTrue(Option.isSome(site))
    })
  )

  it.effect("a key of a request has an issuer, and a key of a command has none", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { key, key_id } = yield* newKey
      const services = Layer.succeedContext(yield* Effect.context<Storage>())
      const issue = { scope: "stats", sites: "all" }
      const answer = yield* send(url, "/v1/owner/keys", { key, body: { ...issue, label: "request" } })
      assert.strictEqual(answer.status, 200)
      yield* run(["key", "issue", "--all-sites", "--label", "command"], services)
      yield* run(["key", "issue", "--all-sites", "--label", "remote", "--url", url, "--key", key], services)
      const { stdout } = yield* run(["key", "list", "--json"], services)
      const { keys } = JSON.parse(stdout) as { readonly keys: ReadonlyArray<Record<string, string | null>> }
      const issuers = Object.fromEntries(keys.map(({ issued_by, label }) => [label, issued_by]))
      assert.deepInclude(issuers, { request: key_id, command: null, remote: key_id })
    })
  )
})

it("the operator's API is in no document, and only the client of commands imports it", () => {
  for (const { paths } of [OpenApi.fromApi(Api), OpenApi.fromApi(OwnerApi)]) {
    for (const documented of Object.keys(paths)) assert.notInclude(documented, "operator")
  }
  const root = path.resolve(import.meta.dirname, "../../../src")
  const importers = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !file.startsWith(path.join("cli", "operator")))
    .filter((file) =>
      /from "[^"]*operator\/|import\("[^"]*operator\//.test(readFileSync(path.join(root, file), "utf8"))
    )
  assert.deepStrictEqual(importers.sort(), [
    path.join("cli", "client", "Client.ts"),
    path.join("cli", "client", "Local.ts")
  ])
})
