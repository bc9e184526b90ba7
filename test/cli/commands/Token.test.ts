import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { WidgetTokens } from "../../../src/chat/WidgetTokens.ts"
import { poll } from "../../support/Wait.ts"
import { session, unknown } from "../support/Session.ts"

describe("token", () => {
  it.effect("an issued token authenticates until revoked and is listed without its secret", () =>
    Effect.gen(function* () {
      const { context, json, text } = yield* session
      yield* TestClock.setTime(Date.parse("2026-03-01T00:00:00Z"))
      const { instance_id } = yield* json("instance", "create", "--name", "a", "--agent-url", "http://localhost:1")
      const issued = yield* json("token", "issue", "--instance", instance_id, "--expires", "90d", "--label", "Shop")
      assert.deepStrictEqual(Object.keys(issued), ["token_id", "token", "expires_at"])
      assert.strictEqual(issued.expires_at, "2026-05-30T00:00:00.000Z")
      const forever = yield* json("token", "issue", "--instance", `urn:uuid:${instance_id}`)
      assert.isNull(forever.expires_at)
      assert.match(
        (yield* text("token", "issue", "--instance", instance_id)).stdout,
        /^token_id {4}\S+\ntoken {7}hwt_\S+\nexpires_at {2}never\n$/
      )

      const authenticated = WidgetTokens.use(({ authenticate }) => authenticate(instance_id, issued.token)).pipe(
        Effect.map(Option.isSome),
        Effect.provide(context)
      )
      assert.isTrue(yield* authenticated)
      assert.deepStrictEqual(yield* json("token", "revoke", "--token-id", issued.token_id), {
        token_id: issued.token_id,
        revoked: true
      })
      // The lookup is cached for less than a second.
      yield* poll(authenticated, (isValid) => !isValid)

      const { tokens: listed } = yield* json("token", "list", "--instance", instance_id)
      const find = (id: string) => listed.find(({ token_id }: { readonly token_id: string }) => token_id === id)
      assert.deepStrictEqual(find(issued.token_id), {
        token_id: issued.token_id,
        label: "Shop",
        created_at: "2026-03-01T00:00:00.000Z",
        expires_at: "2026-05-30T00:00:00.000Z",
        revoked_at: "2026-03-01T00:00:00.000Z",
        token: null
      })
      assert.strictEqual(find(forever.token_id).token, forever.token)
      const table = yield* text("token", "list", "--instance", instance_id)
      assert.match(table.stdout, /Shop +revoked.* -\n/)
      assert.match(table.stdout, new RegExp(`- +valid.* ${forever.token}\n`))
    })
  )

  it.effect("unknown instances and tokens are errors", () =>
    Effect.gen(function* () {
      const { refusal } = yield* session
      assert.strictEqual(
        yield* refusal("token", "issue", "--instance", unknown),
        `There is no instance ${unknown}; \`hydracore instance list\` lists them.\n`
      )
      assert.strictEqual(
        yield* refusal("token", "list", "--instance", unknown),
        `There is no instance ${unknown}; \`hydracore instance list\` lists them.\n`
      )
      assert.strictEqual(
        yield* refusal("token", "revoke", "--token-id", unknown),
        `There is no token ${unknown}; \`hydracore token list --instance <instance_id>\` lists them.\n`
      )
    })
  )

  it.effect("a token cannot expire in the past", () =>
    Effect.gen(function* () {
      const { refusal } = yield* session
      yield* TestClock.setTime(Date.parse("2026-03-01T00:00:00Z"))
      for (const expires of ["0d", "-1d", "2026-02-28", "2026-03-01", "2027-02-29", "soon", ""]) {
        assert.match(
          yield* refusal("token", "issue", "--instance", unknown, "--expires", expires),
          /^The flag --expires (must be a future time|needs a value)/
        )
      }
      assert.match(
        yield* refusal("token", "issue", "--instance", unknown, "--expires", "99999999d"),
        /; a duration is at most 36500d\.\n$/
      )
    })
  )
})
