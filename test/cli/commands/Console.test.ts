import { assert, describe, it } from "@effect/vitest"
import { Clock, ConfigProvider, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { ConsoleSessions } from "../../../src/sites/access/ConsoleSession.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site } from "../../support/TestStorage.ts"

const unknown = "11111111-2222-4333-8444-555555555555"
const id = site.websiteConfigId

/** Runs `hydracore console` on one storage, with these variables. */
const cli = Effect.map(Layer.build(onPostgres), (context) => {
  const command = (args: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
    run(["console", ...args], Layer.succeedContext(context)).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment))
    )
  const json = (...args: ReadonlyArray<string>) =>
    Effect.map(command([...args, "--json"]), ({ code, stderr, stdout }) => {
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      return JSON.parse(stdout)
    })
  return { context, command, json }
})

const secretOf = (url: string): string => url.split("#/link/")[1] ?? ""

describe("console", () => {
  it.effect("a link for a person has no website, role or label of its own", () =>
    Effect.gen(function* () {
      const { command } = yield* cli
      for (const [flag, value] of [
        ["site", id],
        ["role", "viewer"],
        ["label", "Ada"]
      ] as const) {
        const { code, stderr, stdout } = yield* command(["link", "--email", "ada@example.com", `--${flag}`, value])
        assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
        assert.include(stderr, `--${flag} must be left out when --email is given`)
      }
    })
  )

  it.effect("a link opens a session, which is listed without its secrets until it is revoked", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
      const { context, json } = yield* cli
      const all = yield* json("link")
      assert.deepStrictEqual(Object.keys(all), ["session_id", "path", "mailed", "expires_at", "url"])
      assert.match(all.url, /^http:\/\/127\.0\.0\.1:8080\/console\/#\/link\/hcl_[\w-]{43}$/)
      assert.strictEqual(all.expires_at, "2026-03-01T13:00:00.000Z")
      const one = yield* json("link", "--site", id, "--role", "viewer", "--expires", "2d", "--label", "Ada")
      assert.strictEqual(one.expires_at, "2026-03-03T12:00:00.000Z")
      const opened = yield* ConsoleSessions.use((sessions) => sessions.open(secretOf(one.url))).pipe(
        Effect.provideContext(context)
      )
      assert.isTrue(Option.isSome(opened))
      const created_at = "2026-03-01T12:00:00.000Z"
      // Both were created at the same time.
      assert.sameDeepMembers((yield* json("sessions")).sessions, [
        {
          session_id: all.session_id,
          person: null,
          roles: [{ role: "owner", sites: "all" }],
          label: null,
          email: null,
          device: null,
          created_at,
          opened_at: null,
          last_used_at: null,
          ends_at: all.expires_at,
          created_by: null,
          current: false
        },
        {
          session_id: one.session_id,
          person: null,
          roles: [{ role: "viewer", sites: [id] }],
          label: "Ada",
          email: null,
          device: null,
          created_at,
          opened_at: created_at,
          last_used_at: created_at,
          ends_at: "2026-03-31T12:00:00.000Z",
          created_by: null,
          current: false
        }
      ])
      for (const { session_id } of [all, one]) {
        assert.deepStrictEqual(yield* json("revoke", "--session-id", session_id), {
          session_id,
          revoked: true,
          remaining: { keys: 0, sessions: 0 }
        })
      }
      assert.deepStrictEqual((yield* json("sessions")).sessions, [])
    })
  )

  it.live("a revocation says how many sessions and links remain valid, and --with-opened ends them", () =>
    Effect.gen(function* () {
      const { command, context, json } = yield* cli
      const { session_id: createdBy, url } = yield* json("link")
      // Only a session that is open can create others.
      yield* ConsoleSessions.use((sessions) => sessions.open(secretOf(url))).pipe(Effect.provideContext(context))
      const now = yield* Clock.currentTimeMillis
      yield* ConsoleSessions.use((sessions) =>
        Effect.forEach(["a", "b"], (label) =>
          sessions.createLink({ role: "owner", sites: "all", label, linkExpiresAt: now + 60_000, createdBy }).pipe(
            Effect.flatMap(Effect.fromOption),
            Effect.flatMap(({ link }) => sessions.open(link))
          )
        )
      ).pipe(Effect.provideContext(context))
      const revoke = ["revoke", "--session-id", createdBy]
      assert.include(
        (yield* command(revoke)).stdout,
        `2 sessions and links. \`hydracore console revoke --session-id ${createdBy} --with-opened\` ends them too.\n`
      )
      assert.notInclude((yield* command([...revoke, "--with-opened"])).stdout, "Still valid")
      assert.deepStrictEqual((yield* json("sessions")).sessions, [])
    })
  )

  it.effect("the link names the address of the console", () =>
    Effect.gen(function* () {
      const { command } = yield* cli
      const database = { DATABASE_URL: "postgres://u@h/d" }
      for (const [args, environment, address, isWarned] of [
        [[], { ...database, CONSOLE: "on" }, "http://127.0.0.1:8080", false],
        [[], { ...database, CONSOLE: "on", HOST: "0.0.0.0", PORT: "81" }, "http://127.0.0.1:81", false],
        [[], { ...database, CONSOLE: "on", OWNER_PORT: "82", OWNER_HOST: "::1" }, "http://[::1]:82", false],
        [[], { ...database, CONSOLE: "on", PUBLIC_URL: "https://edge.example/" }, "https://edge.example", false],
        [
          [],
          { ...database, CONSOLE: "on", PUBLIC_URL: "https://edge.example", OWNER_PORT: "82" },
          "http://127.0.0.1:82",
          false
        ],
        [["--base-url", "https://console.example/"], database, "https://console.example", true]
      ] as const) {
        const { code, stderr, stdout } = yield* command(["link", ...args], environment)
        assert.strictEqual(code, 0)
        assert.include(stdout, `${address}/console/#/link/hcl_`)
        assert.strictEqual(stderr.startsWith("CONSOLE is off in this environment."), isWarned)
      }
    })
  )

  it.effect("the table of sessions has no control characters", () =>
    Effect.gen(function* () {
      const { command, json } = yield* cli
      yield* json("link", "--label", "A \u001b[2J label")
      const { stdout } = yield* command(["sessions"])
      assert.include(stdout, "A ")
      assert.notInclude(stdout, "\u001b")
    })
  )

  it.effect("an invalid command is refused with its error, and no link is created", () =>
    Effect.gen(function* () {
      const { command, json } = yield* cli
      for (const [args, sentence] of [
        [["link", "--site", unknown], `There is no website ${unknown}; \`hydracore site list\` lists them.\n`],
        [["link", "--site", "Nothing"], 'No website has the name "Nothing".'],
        [["link", "--role", "admin"], 'The flag --role takes "viewer" or "member" or "owner"; see'],
        [["link", "--expires", "8d"], "The flag --expires must be a future time within a week, such as 1h or 2d."],
        [["link", "--expires", "2020-01-01"], "The flag --expires must be a future time within a week"],
        [["link", "--base-url", "/hc"], "The flag --base-url must be an address, not a path."],
        [
          ["revoke", "--session-id", unknown],
          `There is no session ${unknown}; \`hydracore console sessions\` lists them.\n`
        ],
        [["revoke", "--session-id", "x"], "The flag --session-id must be a UUID."]
      ] as const) {
        const ended = yield* command(args)
        assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" }, args.join(" "))
        assert.include(ended.stderr, sentence)
      }
      assert.deepStrictEqual((yield* json("sessions")).sessions, [])
    })
  )
})
