import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Clock, ConfigProvider, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../../src/chat/WidgetTokens.ts"
import { type Demo, demoFile } from "../../../src/demo/DemoData.ts"
import type { InstanceId } from "../../../src/platform/Id.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { everyToken } from "../../support/Lists.ts"
import { type Ended, run } from "../../support/TestCli.ts"
import { onPostgres, site } from "../../support/TestStorage.ts"

const session = Effect.gen(function* () {
  const context = yield* Layer.build(onPostgres)
  const services = Layer.succeedContext(context)
  const instance = yield* InstanceDirectory.use((instances) =>
    instances.create({ name: "Agent", agent_url: "http://agent", agent_model: null, agent_key_env: null, origins: [] })
  ).pipe(Effect.provide(context))
  return {
    context,
    instance,
    snippet: (...args: ReadonlyArray<string>) =>
      run(["site", "snippet", "--site", site.websiteConfigId, ...args], services),
    snippetWithoutSite: (...args: ReadonlyArray<string>) => run(["site", "snippet", ...args], services)
  }
})

describe("site snippet", () => {
  it.effect("--base-url accepts a path on the website, but not another host in its place", () =>
    Effect.gen(function* () {
      const { snippet } = yield* session
      for (const [baseUrl, base] of [
        ["/hc", "/hc"],
        ["/hc/", "/hc"],
        ["/a/../hc", "/hc"],
        ["/", ""]
      ] as const) {
        const { stdout } = yield* snippet("--base-url", baseUrl)
        assert.include(stdout, `<script defer src="${base}/v1/public/embed.js"`, baseUrl)
        assert.include(stdout, `action="${base}/v1/public/forms/submit?`, baseUrl)
        assert.notInclude(stdout, "--base-url")
      }
      for (const baseUrl of [
        "//other.example/hc",
        "/.//other.example",
        "/\\other.example",
        "hc",
        "/hc?a",
        "/hc#a",
        "/h c"
      ]) {
        assert.match((yield* snippet("--base-url", baseUrl)).stderr, /^The flag --base-url must be an address/, baseUrl)
      }
    })
  )

  it.effect("without --base-url and DATABASE_URL, uses the demo's address", () =>
    Effect.gen(function* () {
      const { snippet } = yield* session
      const dataDir = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-snippet-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const demo: Demo = {
        base_url: "http://127.0.0.1:8099",
        website_config_id: site.websiteConfigId,
        tracking_token: site.trackingToken,
        instance_id: site.websiteConfigId,
        widget_token: "hwt_"
      }
      writeFileSync(demoFile(dataDir), JSON.stringify(demo))
      const tracker = (environment: Readonly<Record<string, string>>) =>
        Effect.map(
          snippet("--json").pipe(
            Effect.provideService(
              ConfigProvider.ConfigProvider,
              ConfigProvider.fromUnknown({ HYDRACORE_DATA_DIR: dataDir, PORT: "8081", ...environment })
            )
          ),
          ({ stdout }): string => JSON.parse(stdout).tracker
        )
      assert.include(yield* tracker({}), 'src="http://127.0.0.1:8099/v1/public/embed.js"')
      // The demo's address does not apply to another database.
      assert.include(yield* tracker({ DATABASE_URL: "postgres://edge@db/edge" }), 'src="http://127.0.0.1:8081/')
      assert.include(yield* tracker({ HYDRACORE_DATA_DIR: `${dataDir}/none` }), 'src="http://127.0.0.1:8081/')
      assert.include(
        yield* tracker({ PUBLIC_URL: "https://edge.example" }),
        'src="https://edge.example/v1/public/embed.js"'
      )
    })
  )

  it.effect("without --base-url, says that the address is this machine's", () =>
    Effect.gen(function* () {
      const { snippet } = yield* session
      const { stdout } = yield* snippet()
      assert.match(stdout, /^<!-- (http:\/\/\S+) is this machine's address\..*--base-url/)
      assert.match(stdout, /src="http:\/\/[^"]+:[0-9]+\/v1\/public\/embed\.js"/)
    })
  )

  it.effect("with an instance, adds the chat with a placeholder, the given token, a new one or the newest", () =>
    Effect.gen(function* () {
      const { context, instance, snippet } = yield* session
      const base = ["--base-url", "https://edge.example", "--instance", instance.instance_id]
      const chat = (token: string) =>
        `<script type="module" src="https://edge.example/v1/public/chat.js"></script>\n` +
        `<hydracore-chat instance="${instance.instance_id}" token="${token}" heading="Ask us"></hydracore-chat>`
      const tokens = WidgetTokens.use(({ list }) => list(everyToken(instance.instance_id))).pipe(
        Effect.provide(context)
      )

      const empty = yield* snippet(...base)
      assert.include(empty.stdout, chat("WIDGET_TOKEN"))
      assert.include(empty.stdout, "--issue-token")
      assert.strictEqual((yield* tokens).length, 0)

      const issued = yield* snippet(...base, "--issue-token", "--json")
      const snippets = JSON.parse(issued.stdout)
      assert.deepStrictEqual(Object.keys(snippets), ["tracker", "form", "chat"])
      const [, secret = ""] = /token="([^"]+)"/.exec(snippets.chat) ?? []
      assert.strictEqual(snippets.chat, chat(secret))
      const valid = yield* WidgetTokens.use(({ authenticate }) => authenticate(instance.instance_id, secret)).pipe(
        Effect.provide(context)
      )
      assert.isTrue(Option.isSome(valid))
      assert.include((yield* snippet(...base)).stdout, chat(secret))
      assert.include((yield* snippet(...base, "--token", secret)).stdout, chat(secret))
    })
  )

  it.effect("without --instance, adds the chat of the website's instance with its newest valid token", () =>
    Effect.gen(function* () {
      const { context, instance, snippet } = yield* session
      const chat = Effect.map(snippet("--json"), ({ stdout }): string | null => JSON.parse(stdout).chat)
      assert.isNull(yield* chat)
      const withServices = Effect.provide(context)
      const { instance_id: instanceId } = instance
      yield* InstanceDirectory.use((instances) =>
        instances.update(instanceId, { website_config_id: site.websiteConfigId })
      ).pipe(withServices)
      const issue = WidgetTokens.use((tokens) =>
        tokens.issue({ reach: "all", instanceId, label: null, expiresAt: null })
      ).pipe(Effect.map(Option.getOrThrow), withServices)
      const first = yield* issue
      yield* TestClock.adjust("1 second")
      const second = yield* issue
      assert.include(yield* chat, `instance="${instanceId}" token="${second.token}"`)
      yield* WidgetTokens.use(({ revoke }) =>
        revoke({ reach: "all", tokenId: second.token_id, instanceId: null })
      ).pipe(withServices)
      assert.include(yield* chat, `token="${first.token}"`)
      yield* WidgetTokens.use(({ revoke }) => revoke({ reach: "all", tokenId: first.token_id, instanceId: null })).pipe(
        withServices
      )
      assert.include(yield* chat, 'token="WIDGET_TOKEN"')
    })
  )

  it.effect("refuses a token that is not a valid one of the instance, and an instance of another website", () =>
    Effect.gen(function* () {
      const { context, instance, snippet } = yield* session
      const withServices = Effect.provide(context)
      const { websiteConfigId: site_id } = yield* SiteDirectory.use((sites) =>
        sites.create({ name: "Other", origins: [] })
      ).pipe(withServices)
      const other = yield* InstanceDirectory.use((instances) =>
        instances.create({ name: "Other", agent_url: "http://agent", website_config_id: site_id })
      ).pipe(withServices)
      const issue = (instanceId: InstanceId, expiresAt: number | null = null) =>
        WidgetTokens.use((tokens) => tokens.issue({ reach: "all", instanceId, label: null, expiresAt })).pipe(
          Effect.map(Option.getOrThrow),
          withServices
        )
      const revoked = yield* issue(instance.instance_id)
      yield* WidgetTokens.use(({ revoke }) =>
        revoke({ reach: "all", tokenId: revoked.token_id, instanceId: null })
      ).pipe(withServices)
      const expired = yield* issue(instance.instance_id, (yield* Clock.currentTimeMillis) + 1000)
      yield* TestClock.adjust("2 seconds")
      const ofOther = yield* issue(other.instance_id)
      const ofInstance = ["--instance", instance.instance_id, "--token"]
      for (const token of [`hwt_${"a".repeat(43)}`, revoked.token, expired.token, ofOther.token]) {
        assert.deepStrictEqual(yield* snippet(...ofInstance, token), {
          code: 1,
          stdout: "",
          stderr: `The flag --token must be a valid token of the instance ${instance.instance_id}; this one is revoked, expired, or of another instance. \`hydracore token list --instance ${instance.instance_id}\` lists the tokens; --issue-token in place of --token issues one.\n`
        })
      }
      const ofOtherSite = yield* snippet("--instance", other.instance_id, "--token", ofOther.token)
      assert.deepInclude(ofOtherSite, { code: 1, stdout: "" })
      assert.include(ofOtherSite.stderr, `The instance ${other.instance_id} serves another website, ${site_id}. `)
      assert.include(
        ofOtherSite.stderr,
        `instance update --instance ${other.instance_id} --site ${site.websiteConfigId}`
      )
    })
  )

  it.effect("rejects unknown ids, invalid values and invalid combinations on one line", () =>
    Effect.gen(function* () {
      const { instance, snippet, snippetWithoutSite } = yield* session
      const unknown = "11111111-2222-4333-8444-555555555555"
      const assertRefused = ({ code, stderr, stdout }: Ended, message: string) => {
        assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
        assert.include(stderr, message)
        assert.match(stderr, /^[^\n]+\n$/)
      }
      assertRefused(
        yield* snippetWithoutSite("--site", unknown),
        `There is no website ${unknown}; \`hydracore site list\` lists them.`
      )
      assertRefused(
        yield* snippet("--instance", unknown),
        `There is no instance ${unknown}; \`hydracore instance list\` lists them.`
      )
      assertRefused(
        yield* snippet("--instance", unknown, "--issue-token"),
        `There is no instance ${unknown}; \`hydracore instance list\` lists them.`
      )
      assertRefused(yield* snippet("--issue-token"), "--instance")
      assertRefused(yield* snippet("--base-url", "ftp://edge.example"), "--base-url must be an address")
      assertRefused(yield* snippet("--base-url", "https://user:secret@edge.example"), "--base-url must be an address")
      assertRefused(
        yield* snippet("--instance", instance.instance_id, "--token", "no-token"),
        "--token must be a token"
      )
      assertRefused(
        yield* snippet("--instance", instance.instance_id, "--token", `hwt_${"a".repeat(43)}`, "--issue-token"),
        "--issue-token must be left out"
      )
    })
  )
})
