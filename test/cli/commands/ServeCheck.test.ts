import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Option, Redacted } from "effect"
import { faults, Settings } from "../../../src/Config.ts"
import * as ErrorMessages from "../../../src/cli/support/ErrorMessages.ts"
import * as ServePlan from "../../../src/cli/support/ServePlan.ts"
import * as Command from "../../support/Command.ts"

const secrets = {
  DATABASE_URL: "postgres://edge:sesame@db-1,db-2:5433/edge?target_session_attrs=read-write&sslmode=require",
  DATABASE_READ_URL: "postgres://edge:sesame@replica/edge",
  REDIS_URL: "rediss+sentinel://user:sesame@10.0.0.7/limits",
  ANALYTICS_URL: "clickhouses://user:sesame@clickhouse.example/edge",
  SECRETS_KEY: "5e".repeat(32),
  SMTP_URL: "smtps://user:sesame@mail.example",
  MAIL_FROM: "Example <mail@example.com>",
  PUBLIC_URL: "https://edge.example"
}

const planOf = (variables: Record<string, string>, workers: number | null = null) =>
  Effect.map(Settings.parse(ConfigProvider.fromUnknown(variables)), (settings) =>
    Object.fromEntries(
      ServePlan.of(
        settings,
        Option.getOrElse(settings.databaseUrl, () => Redacted.make("postgres://edge@localhost/edge")),
        workers
      )
    )
  )

const faultsOf = (variables: Record<string, string>) =>
  faults.pipe(
    Effect.map((errors) => errors.map(ErrorMessages.of)),
    Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(variables)))
  )

describe("cli: serve --check", () => {
  it.effect("says what the settings mean, without secrets", () =>
    Effect.gen(function* () {
      const plan = yield* planOf(
        {
          ...secrets,
          PORT: "8090",
          OWNER_PORT: "9000",
          TRUSTED_PROXIES: "10.0.0.0/8",
          RATE_LIMIT_FORMS: "9/hour"
        },
        2
      )
      assert.strictEqual(plan["listens"], "on http://127.0.0.1:8090, in 2 workers")
      assert.strictEqual(
        plan["database"],
        "PostgreSQL at db-1:5432, db-2:5433, with TLS, the server that is read-write; 8 connections per process for requests"
      )
      assert.strictEqual(plan["reports"], "read PostgreSQL at replica:5432, without TLS")
      assert.include(plan["rate limits"], 'in the Redis "limits" of the Sentinels at 10.0.0.7:26379, with TLS')
      assert.include(plan["rate limits"], "page views and events 100 a minute, forms 9 an hour")
      assert.strictEqual(
        plan["page views"],
        "in the database edge of ClickHouse at https://clickhouse.example:8443, in batches 500ms apart"
      )
      assert.strictEqual(plan["proxies"], "trusts 10.0.0.0/8")
      assert.strictEqual(plan["owner API"], "on http://127.0.0.1:9000, without the console")
      assert.include(plan["delivers"], "mails from mail@example.com")
      assert.notMatch(Object.values(plan).join(), /sesame|5e5e/)
      const defaults = yield* planOf({})
      assert.include(defaults["database"], "PostgreSQL at localhost:5432, on this machine;")
      assert.strictEqual(defaults["page views"], "in the database")
      assert.include(defaults["keeps"], "page views forever, submissions forever, conversations for 30 days")
      assert.strictEqual(defaults["owner API"], "off")
    })
  )

  it.effect("names each invalid setting once", () =>
    Effect.gen(function* () {
      const errors = yield* faultsOf({
        PORT: "http",
        RATE_LIMIT_CHAT: "some",
        REDIS_URL: "redis://:sesame@"
      })
      assert.strictEqual(errors.length, 3, errors.join("\n"))
      for (const [index, name] of ["PORT", "REDIS_URL", "RATE_LIMIT_CHAT"].entries())
        assert.include(errors[index], name)
      assert.notInclude(errors.join(), "sesame")
      const { SECRETS_KEY: _, ...withoutKey } = secrets
      assert.match((yield* faultsOf(withoutKey)).join(), /^SECRETS_KEY is not set/)
      assert.deepStrictEqual(yield* faultsOf(secrets), [])
    })
  )

  it.live("connects to nothing, and its exit code says whether the settings are valid", () =>
    Effect.gen(function* () {
      const valid = yield* Command.run(["serve", "--check", "--json"], secrets)
      assert.strictEqual(valid.code, 0)
      assert.deepInclude(JSON.parse(valid.output), { valid: true, errors: [] })
      const invalid = yield* Command.run(["serve", "--check"], { PORT: "http" })
      assert.strictEqual(invalid.code, 1)
      assert.match(
        invalid.output,
        /^PORT is "http"; [^\n]*\nDATABASE_URL is not set; [^\n]*\n2 settings are not valid; see above\.\n$/
      )
    })
  )
})
