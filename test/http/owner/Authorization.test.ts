/**
 * A caller without access is refused before anything of its request is decoded.
 */
import { assert, it, layer } from "@effect/vitest"
import { Context, Effect, Option } from "effect"
import { OwnerApi } from "../../../src/contract/owner/Api.ts"
import { Authorization, RequiredScope } from "../../../src/contract/owner/Authorization.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import type { Operation } from "../../support/OwnerOperation.ts"
import { operations, requestOf } from "../../support/OwnerOperations.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { emptyStorages } from "../../support/Storages.ts"
import { TestServer, layer as testServer } from "../../support/TestServer.ts"

const endpoints = Object.values(OwnerApi.groups).flatMap(({ endpoints }) => Object.values(endpoints))

it("every operation on a website declares the scope that it requires, and is authorized", () => {
  const declared = endpoints.flatMap(({ annotations, method, middlewares, path }) =>
    Option.toArray(Context.getOption(annotations, RequiredScope)).map((scope) => {
      assert.isTrue(middlewares.has(Authorization as never), path)
      return `${method} ${path} ${scope}`
    })
  )
  assert.includeMembers(
    declared,
    operations.map(({ method, path, scope }) => `${method} ${path} ${scope}`)
  )
  assert.includeMembers(declared, ["POST /v1/owner/sites write", "POST /v1/owner/keys write"])
})

const newSite = Effect.map(
  SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] })),
  ({ websiteConfigId }) => websiteConfigId
)

/** The operations whose website is in the path, and which have a body. */
const withBody = operations.filter(({ method, path }) => method.startsWith("P") && path.includes(":site_id"))

for (const [name, storage] of emptyStorages) {
  layer(testServer({}, undefined, undefined, storage()), { excludeTestServices: true })(
    `the order of the checks ${name}`,
    (it) => {
      it.effect("a body that cannot be decoded changes nothing for a caller without access", () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const [own, other] = [yield* newSite, yield* newSite]
          const [reader, owner] = [yield* newCookie("viewer", [own]), yield* newCookie("owner", [own])]
          const answer = (operation: Operation, site: string, cookie: string) =>
            Effect.flatMap(requestOf(operation, site), ({ path, init, body }) =>
              send(url, path, { cookie, init, ...(body === undefined ? {} : { body: "{" }) })
            )
          for (const operation of withBody) {
            assert.strictEqual((yield* answer(operation, other, owner)).status, 404, operation.path)
            if (operation.scope === "write") {
              assert.strictEqual((yield* answer(operation, own, reader)).status, 404, operation.path)
            }
          }
          assert.strictEqual(
            (yield* send(url, `/v1/owner/sites/${own}/forms`, { cookie: owner, body: "{", init: { method: "PUT" } }))
              .status,
            422
          )
          assert.strictEqual(
            (yield* send(url, "/v1/owner/sites/no-id/forms", { cookie: owner, body: "{", init: { method: "PUT" } }))
              .status,
            422
          )
        })
      )

      it.effect("a viewer cannot send a key, a link or a website to decode", () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const cookie = yield* newCookie("viewer", "all")
          for (const path of ["keys", "sessions", "sites"]) {
            const answer = yield* send(url, `/v1/owner/${path}`, { cookie, body: "{" })
            assert.strictEqual(answer.status, 404, path)
            assert.include(answer.text, "write")
          }
        })
      )
    }
  )
}
