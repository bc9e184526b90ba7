import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { Shares } from "../../../src/sites/access/Share.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site } from "../../support/TestStorage.ts"
import { poll } from "../../support/Wait.ts"

const unknown = "11111111-2222-4333-8444-555555555555"
const id = site.websiteConfigId

/** Runs `hydracore share` on one storage. */
const session = Effect.map(Layer.build(onPostgres), (context) => ({
  context,
  share: (...args: ReadonlyArray<string>) => run(["share", ...args], Layer.succeedContext(context)),
  json: (...args: ReadonlyArray<string>) =>
    Effect.map(run(["share", ...args, "--json"], Layer.succeedContext(context)), ({ code, stdout }) => {
      assert.strictEqual(code, 0)
      return JSON.parse(stdout)
    })
}))

describe("share", () => {
  it.effect("a created address works, is listed without its secret, and stops working once it is revoked", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
      const { context, json } = yield* session
      const one = yield* json("create", "--site", id, "--expires", "90d", "--label", "Agency")
      assert.deepStrictEqual(Object.keys(one), ["share_id", "path", "expires_at", "url"])
      const [, secret = ""] = /^http:\/\/127\.0\.0\.1:\d+\/console\/#\/share\/(hsh_[\w-]{43})$/.exec(one.url) ?? []
      const authenticate = Shares.use((shares) => shares.authenticate(secret)).pipe(
        Effect.provideContext(context),
        Effect.orDie
      )
      assert.isTrue(Option.isSome(yield* authenticate))
      const listed = {
        share_id: one.share_id,
        site_id: id,
        label: "Agency",
        numbers: "protected",
        has_password: false,
        created_at: "2026-03-01T12:00:00.000Z",
        expires_at: "2026-05-30T12:00:00.000Z"
      }
      assert.deepStrictEqual(yield* json("list"), { shares: [listed] })
      assert.deepStrictEqual(yield* json("list", "--site", id), { shares: [listed] })
      assert.deepStrictEqual(yield* json("revoke", "--share-id", one.share_id), {
        share_id: one.share_id,
        revoked: true
      })
      // The lookup is cached for less than a second.
      yield* poll(authenticate, Option.isNone)
    })
  )

  it.effect("shares exact numbers with a password that it makes", () =>
    Effect.gen(function* () {
      const { context, json, share } = yield* session
      const one = yield* json("create", "--site", id, "--exact", "--with-password")
      assert.match(one.password, /^[\w-]{16}$/)
      const [secret = ""] = /hsh_.*/.exec(one.url) ?? []
      const proof = yield* Shares.use((shares) => shares.unlock(secret, one.password)).pipe(
        Effect.provideContext(context),
        Effect.orDie
      )
      assert.isTrue(Option.isSome(proof))
      const { shares } = yield* json("list", "--site", id)
      assert.deepStrictEqual([shares[0].numbers, shares[0].has_password], ["exact", true])
      assert.notInclude((yield* share("list")).stdout, one.password)
    })
  )

  it.effect("an unknown website or share, and a path in place of an address, are errors", () =>
    Effect.gen(function* () {
      const { share } = yield* session
      const { stdout } = yield* share("create", "--site", id, "--base-url", "https://example.com")
      assert.include(stdout, "https://example.com/console/#/share/hsh_")
      for (const args of [
        ["create", "--site", unknown],
        ["list", "--site", unknown],
        ["revoke", "--share-id", unknown]
      ]) {
        const { code, stderr } = yield* share(...args)
        assert.deepStrictEqual([code, stderr.includes(`There is no `)], [1, true], args.join(" "))
      }
      for (const path of ["/edge", "/"]) {
        assert.include((yield* share("create", "--site", id, "--base-url", path)).stderr, "must be an address", path)
      }
    })
  )
})
