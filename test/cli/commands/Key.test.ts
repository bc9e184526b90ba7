import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { ConsoleSessions } from "../../../src/sites/access/ConsoleSession.ts"
import { isWellFormed, OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site } from "../../support/TestStorage.ts"
import { poll } from "../../support/Wait.ts"

const unknown = "11111111-2222-4333-8444-555555555555"
const id = site.websiteConfigId

/** Runs `hydracore key` on one storage. */
const session = Effect.map(Layer.build(onPostgres), (context) => ({
  context,
  key: (...args: ReadonlyArray<string>) => run(["key", ...args], Layer.succeedContext(context)),
  json: (...args: ReadonlyArray<string>) =>
    Effect.map(run(["key", ...args, "--json"], Layer.succeedContext(context)), ({ code, stderr, stdout }) => {
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      return JSON.parse(stdout)
    })
}))

describe("key", () => {
  it.effect("an issued key works, is listed without its secret, and stops working once it is revoked", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
      const { context, json } = yield* session
      const authenticate = (key: string) =>
        OwnerKeys.use((keys) => keys.authenticate(key)).pipe(Effect.provideContext(context), Effect.orDie)
      const one = yield* json("issue", "--site", id, "--site", id.toUpperCase())
      assert.deepStrictEqual(Object.keys(one), ["key_id", "key", "expires_at"])
      assert.isTrue(isWellFormed(one.key))
      assert.isNull(one.expires_at)
      const all = yield* json("issue", "--all-sites", "--scope", "write", "--expires", "90d", "--label", "Console")
      assert.strictEqual(all.expires_at, "2026-05-30T12:00:00.000Z")
      const { keys: listed } = yield* json("list")
      const created_at = "2026-03-01T12:00:00.000Z"
      // Both were issued at the same time.
      assert.sameDeepMembers(listed, [
        {
          key_id: one.key_id,
          scope: "stats",
          sites: [id],
          label: null,
          created_at,
          expires_at: null,
          revoked_at: null,
          issued_by: null
        },
        {
          key_id: all.key_id,
          scope: "write",
          sites: "all",
          label: "Console",
          created_at,
          expires_at: all.expires_at,
          revoked_at: null,
          issued_by: null
        }
      ])
      assert.isTrue(Option.isSome(yield* authenticate(one.key)))
      assert.deepStrictEqual(yield* json("revoke", "--key-id", one.key_id), {
        key_id: one.key_id,
        revoked: true,
        remaining: { keys: 0, sessions: 0 }
      })
      // The lookup is cached for less than a second.
      yield* poll(authenticate(one.key), Option.isNone)
      assert.isTrue(Option.isSome(yield* authenticate(all.key)))
    })
  )

  it.effect("the table has the state of each key, and no control characters", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
      const { json, key } = yield* session
      yield* key("issue", "--site", id, "--expires", "1h", "--label", "A \u001b[2J label")
      const { key_id } = yield* json("issue", "--all-sites")
      yield* key("revoke", "--key-id", key_id)
      yield* TestClock.adjust("1 hour")
      const table = (yield* key("list")).stdout
      assert.notInclude(table, "\u001b")
      assert.match(table, new RegExp(`stats +expired .* ${id}\\n`))
      assert.match(table, /stats +revoked .* all\n/)
    })
  )

  it.effect(
    "--with-opened also ends the session of a link that the key created, and the key that was issued in that session",
    () =>
      Effect.gen(function* () {
        const { context, json, key } = yield* session
        const one = yield* json("issue", "--all-sites", "--scope", "write")
        yield* Effect.gen(function* () {
          const [keys, sessions] = [yield* OwnerKeys, yield* ConsoleSessions]
          const request = { role: "owner", sites: "all", label: null, linkExpiresAt: 1000 } as const
          const { link, session: consoleSession } = yield* sessions
            .createLink({ ...request, createdBy: one.key_id })
            .pipe(Effect.flatMap(Effect.fromOption))
          yield* sessions.open(link)
          yield* keys.issue({
            scope: "stats",
            sites: "all",
            label: null,
            expiresAt: null,
            issuedBy: consoleSession.session_id
          })
        }).pipe(Effect.provideContext(context))
        const revoke = ["revoke", "--key-id", one.key_id]
        const { stdout } = yield* key(...revoke)
        assert.include(
          stdout,
          `1 session or link, and 1 key. \`hydracore key ${revoke.join(" ")} --with-opened\` ends them`
        )
        const { remaining } = yield* json(...revoke, "--with-opened")
        assert.deepStrictEqual(remaining, { keys: 0, sessions: 0 })
        const { keys: listed } = yield* json("list")
        assert.isTrue(listed.every(({ revoked_at }: { revoked_at: string | null }) => revoked_at !== null))
      })
  )

  it.effect("a key that was issued in a session of the key's link is counted after that session has ended", () =>
    Effect.gen(function* () {
      const { context, json } = yield* session
      const one = yield* json("issue", "--all-sites", "--scope", "write")
      yield* Effect.gen(function* () {
        const [keys, sessions] = [yield* OwnerKeys, yield* ConsoleSessions]
        const request = { role: "owner", sites: "all", label: null, linkExpiresAt: 1000 } as const
        const { link, session } = yield* sessions
          .createLink({ ...request, createdBy: one.key_id })
          .pipe(Effect.flatMap(Effect.fromOption))
        yield* sessions.open(link)
        yield* keys.issue({ scope: "stats", sites: "all", label: null, expiresAt: null, issuedBy: session.session_id })
        yield* sessions.end(session.session_id)
      }).pipe(Effect.provideContext(context))
      const { remaining } = yield* json("revoke", "--key-id", one.key_id)
      assert.deepStrictEqual(remaining, { keys: 1, sessions: 0 })
      const later = yield* json("revoke", "--key-id", one.key_id, "--with-opened")
      assert.deepStrictEqual(later.remaining, { keys: 0, sessions: 0 })
    })
  )

  it.effect("an invalid command is refused with its error, and nothing is issued", () =>
    Effect.gen(function* () {
      const { json, key } = yield* session
      yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
      for (const [args, sentence] of [
        [["issue"], "Name the websites that the key reaches, with --site for each of them or with --all-sites.\n"],
        [["issue", "--all-sites", "--site", id], "Name the websites that the key reaches, with --site for each"],
        [["issue", "--site", unknown], `There is no website ${unknown}; \`hydracore site list\` lists them.\n`],
        [
          ["issue", "--site", id, "--site", unknown],
          `There is no website ${unknown}; \`hydracore site list\` lists them.\n`
        ],
        [["issue", "--site", "Nothing"], 'No website has the name "Nothing".'],
        [["issue", "--all-sites", "--scope", "admin"], 'The flag --scope takes "stats" or "read" or "write"; see'],
        [["issue", "--all-sites", "--expires", "2020-01-01"], "The flag --expires must be a future time"],
        [["revoke", "--key-id", unknown], `There is no key ${unknown}; \`hydracore key list\` lists them.\n`],
        [["revoke", "--key-id", `hok_${"a".repeat(43)}`], "The flag --key-id must be a UUID."]
      ] as const) {
        const ended = yield* key(...args)
        assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" }, args.join(" "))
        assert.include(ended.stderr, sentence)
      }
      const many = Array.from({ length: 101 }, () => ["--site", id]).flat()
      assert.include((yield* key("issue", ...many)).stderr, "The flag --site must be given at most 100 times.")
      assert.deepStrictEqual(yield* json("list"), { keys: [], next: null })
    })
  )
})
