import { spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Option, Redacted } from "effect"
import { faults, Settings, unknownSettings } from "../../../src/Config.ts"
import * as ErrorMessages from "../../../src/cli/support/ErrorMessages.ts"
import * as ServePlan from "../../../src/cli/support/ServePlan.ts"
import * as Command from "../../support/Command.ts"
import * as Program from "../../support/Program.ts"

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
    Effect.map((errors) => errors.map((error) => ErrorMessages.of(error))),
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

  it.effect("names the invalid settings of a group, and those that an invalid one requires", () =>
    Effect.gen(function* () {
      for (const [variables, names] of [
        [
          {
            OTEL_EXPORTER_OTLP_ENDPOINT: "x",
            OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
            OTEL_TRACES_SAMPLER: "y",
            OTEL_TRACES_SAMPLER_ARG: "7"
          },
          [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_TRACES_SAMPLER",
            "OTEL_TRACES_SAMPLER_ARG"
          ]
        ],
        [
          { DATABASE_URL: "mysql://db", SMTP_URL: "mail", MAIL_FROM: "edge" },
          ["DATABASE_URL", "SMTP_URL", "MAIL_FROM", "PUBLIC_URL", "SECRETS_KEY"]
        ],
        [{ SMTP_URL: "mail", SECRETS_KEY: "short" }, ["SECRETS_KEY", "SMTP_URL", "MAIL_FROM", "PUBLIC_URL"]],
        [{ TRUSTED_PROXIES: "proxy", GEO_HEADER: "a b" }, ["TRUSTED_PROXIES", "GEO_HEADER"]],
        [{ OWNER_API: "maybe", OWNER_PORT: "-1", CONSOLE: "yes" }, ["OWNER_API", "OWNER_PORT", "CONSOLE"]],
        [
          { RATE_LIMIT_CHAT: "x", CHAT_STREAMS_PER_ADDRESS: "0", CHAT_STREAMS_PER_INSTANCE: "0" },
          ["RATE_LIMIT_CHAT", "CHAT_STREAMS_PER_ADDRESS", "CHAT_STREAMS_PER_INSTANCE"]
        ],
        [
          { HOST: "10.0.0.256", OWNER_HOST: "[::]", METRICS_HOST: "http://edge" },
          ["HOST", "METRICS_HOST", "OWNER_HOST"]
        ]
      ] as const) {
        const errors = yield* faultsOf(variables)
        assert.deepStrictEqual(
          errors.map((error) => error.split(" ")[0]),
          [...names]
        )
      }
    })
  )

  it.effect("reports servers that cannot share a port", () =>
    Effect.gen(function* () {
      const pairsOf = (variables: Record<string, string>) =>
        Effect.map(faultsOf(variables), (errors) =>
          errors.map((error) => /^([A-Z_]+) and ([A-Z_]+) are both [0-9]+; /.exec(error)?.slice(1).join(" "))
        )
      assert.deepStrictEqual(yield* pairsOf({ METRICS_PORT: "8080" }), ["METRICS_PORT PORT"])
      assert.deepStrictEqual(yield* pairsOf({ PORT: "9", OWNER_PORT: "9", METRICS_PORT: "9" }), [
        "OWNER_PORT PORT",
        "METRICS_PORT PORT",
        "METRICS_PORT OWNER_PORT"
      ])
      assert.deepStrictEqual(yield* pairsOf({ PORT: "0", OWNER_PORT: "0", METRICS_PORT: "0" }), [])
      assert.deepStrictEqual(yield* pairsOf({ PORT: "9", METRICS_PORT: "9", METRICS_HOST: "10.0.0.4" }), [])
      assert.deepStrictEqual(yield* pairsOf({ PORT: "9", HOST: "0.0.0.0", METRICS_PORT: "9" }), ["METRICS_PORT PORT"])
    })
  )

  it.effect("says the highest rate", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* faultsOf({ RATE_LIMIT_FORMS: "1000000/minute" }), [
        'RATE_LIMIT_FORMS is "1000000/minute"; it must be "off" or a number from 1 to 999999 per second, minute, hour or day, such as "100/minute".'
      ])
    })
  )

  it.live("reports a GEO_DATABASE that is missing or is no database, also beside an invalid setting", () =>
    Effect.gen(function* () {
      for (const [file, fault] of [
        ["/no/such.mmdb", "cannot be read (ENOENT)"],
        [import.meta.filename, "is not a MaxMind database"]
      ] as const) {
        const { code, output } = yield* Command.run(["serve", "--check"], {
          ...secrets,
          GEO_DATABASE: file,
          PORT: "http"
        })
        assert.strictEqual(code, 1)
        assert.match(output, /^PORT is /)
        assert.include(output, `GEO_DATABASE names ${file}, which ${fault};`)
        assert.include(output, "2 settings are not valid")
      }
    })
  )

  it.live("warns of misspelt variables, but not of other programs'", () =>
    Effect.gen(function* () {
      const variables = {
        ...secrets,
        RATE_LIMIT_FROMS: "5/minute",
        DATABASE_TIMEOUTT: "5 seconds",
        HOME: "/root",
        REDIS_URL_FILE: "",
        DELIVERY_FILE: "",
        OTEL_LOGS_EXPORTER: "otlp",
        HYDRACORE_EDGE_SERVICE_HOST: "10.0.0.4",
        CHAT_AGENT_KEY: "sesame"
      }
      const { code, output } = yield* Command.run(["serve", "--check", "--json"], variables)
      assert.strictEqual(code, 0)
      assert.deepInclude(JSON.parse(output), {
        valid: true,
        warnings: [
          "RATE_LIMIT_FROMS is not a setting, so it has no effect; did you mean RATE_LIMIT_FORMS?",
          "DATABASE_TIMEOUTT is not a setting, so it has no effect; did you mean DATABASE_TIMEOUT?"
        ]
      })
      const text = yield* Command.run(["serve", "--check"], variables)
      assert.include(text.output, "\nWarning: RATE_LIMIT_FROMS is not a setting")
      const environment = ConfigProvider.fromEnv({ env: variables })
      const found = yield* Effect.provideService(unknownSettings, ConfigProvider.ConfigProvider, environment)
      assert.sameMembers(
        found.map(({ name }) => name),
        ["RATE_LIMIT_FROMS", "DATABASE_TIMEOUTT"]
      )
    })
  )

  it.live("serve logs the warnings, and names all invalid settings", () =>
    Effect.gen(function* () {
      // A process, because the log bypasses the command's output.
      const { status, stderr } = spawnSync(process.execPath, [yield* Program.main, "serve"], {
        encoding: "utf8",
        env: {
          DATABASE_URL: "postgres://edge@127.0.0.1:1/none",
          DATABASE_TIMEOUT: "10 millis",
          RATE_LIMIT_FROMS: "5/minute"
        }
      })
      assert.match(stderr, /^{"message":"RATE_LIMIT_FROMS is not a setting, .*"level":"WARN"/)
      assert.strictEqual(status, 1)
      const invalid = yield* Command.run(["serve"], { PORT: "http", HOST: "a b" })
      assert.match(invalid.output, /^HOST is "a b"; .* PORT is "http"; [^\n]*\n$/)
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
