/**
 * The same commands in this process and against a running service, with `--url`.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option } from "effect"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import { ConversationId } from "../../../src/platform/Id.ts"
import type { Access } from "../../../src/sites/access/Access.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { storeTurn } from "../../support/Conversations.ts"
import type { Storage } from "../../support/MemoryStorage.ts"
import { receiver } from "../../support/Receiver.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, TestServer } from "../../support/TestServer.ts"

const unknown = "11111111-2222-4333-8444-555555555555"

const newKey = (scope: "stats" | "write", sites: Access["sites"] = "all") =>
  OwnerKeys.use((keys) => keys.issue({ scope, sites, label: null, expiresAt: null })).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.orDie
  )

/** Runs commands in this process (`local`), and with `--url` and a key against the test's service (`remote`). */
const both = Effect.gen(function* () {
  const { url, websiteConfigId } = yield* TestServer
  const services = Layer.succeedContext(yield* Effect.context<Storage>())
  const { key } = yield* newKey("write")
  return {
    url,
    siteFlag: ["--site", websiteConfigId],
    local: (...args: ReadonlyArray<string>) => run(args, services),
    remote: (...args: ReadonlyArray<string>) => run([...args, "--url", url, "--key", key], services),
    files: (files: Record<string, string>, ...args: ReadonlyArray<string>) =>
      run([...args, "--url", url, "--key", key], services, { files }),
    run: (...args: ReadonlyArray<string>) => run(args, services)
  }
})

layer(onPostgres(), { excludeTestServices: true })("a command with --url", (it) => {
  it.effect("prints what the command prints in this process", () =>
    Effect.gen(function* () {
      const { files, local, remote, siteFlag } = yield* both
      yield* remote("goal", "create", ...siteFlag, "--event", "signup")
      yield* local("goal", "create", ...siteFlag, "--page", "/thanks*")
      yield* local("share", "create", ...siteFlag, "--label", "Partner")
      yield* remote("share", "create", ...siteFlag, "--expires", "90d")
      yield* remote("key", "issue", ...siteFlag, "--label", "Dashboard")
      const rules = { "rules.json": JSON.stringify({ name: { required: true } }) }
      yield* files(rules, "form", "create", ...siteFlag, "--page", "contact", "--rules", "rules.json")
      for (const command of [
        ["goal", "list", ...siteFlag],
        ["share", "list"],
        ["share", "list", ...siteFlag],
        ["form", "list", ...siteFlag],
        ["form", "show", ...siteFlag, "--page", "contact"],
        ["key", "list"]
      ]) {
        for (const args of [command, [...command, "--json"]]) {
          const here = yield* local(...args)
          assert.deepInclude(here, { code: 0, stderr: "" }, args.join(" "))
          assert.deepStrictEqual(yield* remote(...args), here, args.join(" "))
        }
      }
      const { goals } = JSON.parse((yield* remote("goal", "list", ...siteFlag, "--json")).stdout)
      assert.lengthOf(goals, 2)
      assert.lengthOf(JSON.parse((yield* remote("share", "list", "--json")).stdout).shares, 2)
    })
  )

  it.effect("reads and deletes the conversations of a website", () =>
    Effect.gen(function* () {
      const { local, remote, siteFlag } = yield* both
      const { websiteConfigId } = yield* TestServer
      const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
        instances.create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId })
      )
      const keys = Array.from({ length: 3 }, () => ({ instanceId, conversationId: ConversationId.make(randomUUID()) }))
      yield* Effect.forEach(keys, (key) => storeTurn(key, "Hello", "Hi"))
      const [first, second] = keys.map(({ conversationId }) => conversationId)
      const instance = ["--instance", instanceId, ...siteFlag]
      for (const command of [
        ["conversation", "list", ...instance, "--json"],
        ["conversation", "list", ...instance, "--limit", "2"],
        ["conversation", "show", ...instance, "--conversation", `${first}`, "--json"],
        ["conversation", "export", ...instance, "--since", "1d"]
      ]) {
        const here = yield* local(...command)
        assert.deepInclude(here, { code: 0, stderr: "" }, command.join(" "))
        assert.isTrue(
          keys.some(({ conversationId }) => here.stdout.includes(conversationId)),
          command.join(" ")
        )
        assert.deepStrictEqual(yield* remote(...command), here, command.join(" "))
      }
      for (const [cli, id] of [
        [local, first],
        [remote, second]
      ] as const) {
        const ofOne = [...instance, "--conversation", `${id}`]
        assert.deepInclude(yield* cli("conversation", "delete", ...ofOne), { code: 0, stderr: "" })
        const again = yield* cli("conversation", "delete", ...ofOne)
        assert.strictEqual(again.code, 1)
        assert.include(
          again.stderr,
          `There is no conversation ${id}; \`hydracore conversation list --instance <instance_id>\` lists them.`
        )
        assert.include(
          (yield* cli("conversation", "show", ...instance, "--conversation", "made by a client")).stderr,
          "With --site, the flag --conversation must be a conversation_id"
        )
      }
      const other = yield* SiteDirectory.use((sites) => sites.create({ name: "Other", origins: [] }))
      for (const cli of [local, remote]) {
        for (const command of [["list"], ["show", "--conversation", `${first}`]]) {
          assert.deepInclude(
            yield* cli("conversation", ...command, "--instance", instanceId, "--site", other.websiteConfigId),
            {
              code: 1,
              stderr: `The instance ${instanceId} does not serve the website ${other.websiteConfigId}, but ${websiteConfigId}: give that one as --site.\n`
            }
          )
        }
      }
      assert.deepInclude(yield* remote("conversation", "list", "--instance", instanceId), {
        code: 1,
        stderr: "With --url, give --site: the website that the instance serves.\n"
      })
    })
  )

  it.effect("manages webhooks, and hides those of the operator from the owner", () =>
    Effect.gen(function* () {
      const { local, remote, siteFlag, url } = yield* both
      const services = Layer.succeedContext(yield* Effect.context<Storage>())
      const { key } = yield* newKey("write")
      const create = ["webhook", "create", ...siteFlag, "--json", "--url"]
      const receiver = "http://127.0.0.1:9/leads"
      const refused = yield* local(...create, receiver)
      assert.match(refused.stderr, /The flag --url was refused: .* set WEBHOOK_ALLOW=127\.0\.0\.1:9 for the service/)
      const webhookAllow = [{ host: "127.0.0.1", port: 9 }]
      const { webhook_id: own } = JSON.parse((yield* run([...create, receiver], services, { webhookAllow })).stdout)
      // After `create` and `update`, `--url` is the address of the webhook.
      const service = (...args: ReadonlyArray<string>) => run(["--url", url, "--key", key, ...args], services)
      const created = yield* service(...create, "https://hooks.example/leads")
      assert.deepInclude(created, { code: 0, stderr: "" })
      const { webhook_id: id } = JSON.parse(created.stdout)
      const urls = (stdout: string) =>
        JSON.parse(stdout).webhooks.map((webhook: { readonly url: string | null }) => webhook.url)
      assert.deepStrictEqual(urls((yield* local("webhook", "list", ...siteFlag, "--json")).stdout), [
        receiver,
        "https://hooks.example/leads"
      ])
      assert.deepStrictEqual(urls((yield* remote("webhook", "list", ...siteFlag, "--json")).stdout), [
        null,
        "https://hooks.example/leads"
      ])
      assert.match((yield* remote("webhook", "rotate", "--webhook-id", own)).stderr, /^Only the operator can change/)
      for (const cli of [local, service]) {
        assert.strictEqual((yield* cli("webhook", "rotate", "--webhook-id", id)).code, 0)
        const disabled = yield* cli("webhook", "update", "--webhook-id", id, "--disable")
        assert.deepInclude(disabled, { code: 0, stderr: "" })
        assert.include(disabled.stdout, "disabled")
        assert.include((yield* cli("delivery", "list", "--webhook-id", id)).stdout, "There are no such deliveries.")
        assert.match(
          (yield* cli("delivery", "retry", "--webhook-id", id, "--event-id", unknown)).stderr,
          new RegExp(
            `^There is no delivery ${unknown}; \`hydracore delivery list --webhook-id <webhook_id>\` lists them.`
          )
        )
        assert.match(
          (yield* cli("delivery", "list", "--webhook-id", unknown)).stderr,
          new RegExp(
            `^There is no webhook ${unknown}; \`hydracore webhook list --site <website_config_id>\` lists them.`
          )
        )
      }
      assert.strictEqual((yield* remote("webhook", "delete", "--webhook-id", id)).code, 0)
      assert.strictEqual((yield* local("webhook", "delete", "--webhook-id", own)).code, 0)
    })
  )

  it.effect("lists and removes the recipients of a website", () =>
    Effect.gen(function* () {
      const { local, remote, siteFlag } = yield* both
      const { websiteConfigId } = yield* TestServer
      const added = yield* Notifications.use((notifications) =>
        notifications.add(websiteConfigId, { to: "ada@example.com", report: "weekly" })
      )
      const { notification_id: id } = Option.getOrThrow(added)
      for (const args of [[], ["--json"]]) {
        const here = yield* local("notify", "list", ...siteFlag, ...args)
        assert.deepInclude(here, { code: 0, stderr: "" })
        assert.include(here.stdout, id)
        assert.deepStrictEqual(yield* remote("notify", "list", ...siteFlag, ...args), here)
      }
      for (const cli of [local, remote]) {
        const refused = yield* cli("notify", "test", "--notification-id", id)
        assert.match(refused.stderr, /^This service sends no mail until its operator sets SMTP_URL/)
      }
      assert.strictEqual((yield* remote("notify", "remove", "--notification-id", id)).code, 0)
      for (const cli of [local, remote]) {
        const again = yield* cli("notify", "remove", "--notification-id", id)
        assert.match(
          again.stderr,
          new RegExp(
            `^There is no notification ${id}; \`hydracore notify list --site <website_config_id>\` lists them.`
          )
        )
      }
    })
  )

  it.effect("refuses a key without the service's address, and changes nothing in this process", () =>
    Effect.gen(function* () {
      const { local, remote, siteFlag, url } = yield* both
      const created = yield* run(
        ["--url", url, "--key", (yield* newKey("write")).key, "webhook", "create", ...siteFlag, "--json"].concat(
          "--url",
          "https://hooks.example/leads"
        ),
        Layer.succeedContext(yield* Effect.context<Storage>())
      )
      const { webhook_id: id } = JSON.parse(created.stdout)
      // The address of the service stands behind the command, and would become that of the webhook.
      const ended = yield* remote("webhook", "update", "--webhook-id", id, "--disable")
      assert.deepInclude(ended, { code: 1, stdout: "" })
      assert.match(ended.stderr, /^The flag --key is for a running service: give its address with --url, before/)
      const { webhooks } = JSON.parse((yield* local("webhook", "list", ...siteFlag, "--json")).stdout)
      assert.deepInclude(
        webhooks.find((webhook: { readonly webhook_id: string }) => webhook.webhook_id === id),
        { url: "https://hooks.example/leads", disabled_at: null }
      )
    })
  )

  it.effect("follows the pages of a list, and finds the website of an id", () =>
    Effect.gen(function* () {
      const { local, remote, siteFlag } = yield* both
      for (let count = 0; count < 101; count++) yield* newKey("stats")
      const { keys, next } = JSON.parse((yield* remote("key", "list", "--json")).stdout)
      assert.isAbove(keys.length, 101)
      assert.isNull(next)
      const goal = JSON.parse((yield* remote("goal", "create", ...siteFlag, "--event", "paged", "--json")).stdout)
      const deleted = yield* remote("goal", "delete", "--goal", goal.goal_id)
      assert.deepInclude(deleted, { code: 0, stderr: "" })
      const again = yield* local("goal", "delete", "--goal", goal.goal_id)
      assert.deepInclude(again, {
        code: 1,
        stderr: `There is no goal ${goal.goal_id}; \`hydracore goal list --site <website_config_id>\` lists them.\n`
      })
    })
  )

  it.effect("names the flag and not the member, and says what the key cannot do", () =>
    Effect.gen(function* () {
      const { local, remote, run, siteFlag, url } = yield* both
      const { key: ofOne } = yield* newKey("write", [(yield* TestServer).websiteConfigId])
      const taken = ["goal", "create", ...siteFlag, "--event", "a", "--name", "Form submitted"]
      for (const cli of [local, remote]) {
        const { stderr } = yield* cli(...taken)
        assert.strictEqual(
          stderr,
          "The flag --name was refused: the website has a goal of this name; give another name.\n"
        )
      }
      const { key } = yield* newKey("stats")
      const as = (secret: string, ...args: ReadonlyArray<string>) => run(...args, "--url", url, "--key", secret)
      assert.match(
        (yield* as(key, "goal", "create", ...siteFlag, "--event", "a")).stderr,
        /^The owner key does not have the scope write, which this needs\. `hydracore key issue --scope write` /
      )
      assert.match(
        (yield* as(key, "person", "export", "--email", "a@example.com", ...siteFlag)).stderr,
        /^The owner key does not have the scope read, /
      )
      assert.match(
        (yield* as(key, "site", "create", "--name", "Shop")).stderr,
        /^The owner key does not have the scope write, /
      )
      assert.match(
        (yield* as(key, "goal", "delete", "--goal", unknown)).stderr,
        /or does not have the scope write\.\n$/
      )
      assert.match(
        (yield* as(key, "goal", "list", "--site", unknown)).stderr,
        /^There is no website .*, or the owner key does not reach it; /
      )
      assert.strictEqual(
        (yield* as(key, "goal", "list", "--site", "Elsewhere")).stderr,
        'No website that the owner key reaches has the name "Elsewhere". `hydracore site list` shows them.\n'
      )
      assert.strictEqual(
        (yield* as(ofOne, "key", "issue", "--all-sites")).stderr,
        "Only a key with the scope write that reaches all websites can issue one for all websites.\n"
      )
      assert.match(
        (yield* as(`hok_${"a".repeat(43)}`, "key", "list")).stderr,
        /^The service does not accept the owner key/
      )
    })
  )

  it.effect("takes the key from HYDRACORE_KEY, and refuses an address or a command that cannot be meant", () =>
    Effect.gen(function* () {
      const { run, siteFlag, url } = yield* both
      const { key } = yield* newKey("stats")
      const listed = yield* run("goal", "list", ...siteFlag, "--url", url).pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({ HYDRACORE_KEY: key }))
      )
      assert.deepInclude(listed, { code: 0, stderr: "" })
      for (const [args, sentence] of [
        [["goal", "list", ...siteFlag, "--url", url], /^The service at --url needs an owner key: set HYDRACORE_KEY/],
        [["goal", "list", ...siteFlag, "--url", `${url}/docs`, "--key", key], /^The flag --url must be the address/],
        [["goal", "list", ...siteFlag, "--url", "edge.example", "--key", key], /^The flag --url must be the address/],
        [["goal", "list", ...siteFlag, "--url", "http://127.0.0.1:9", "--key", key], /cannot be reached/],
        [["goal", "list", ...siteFlag, "--url", "http://edge.example", "--key", key], /must begin with https:\/\//],
        [["goal", "list", ...siteFlag, "--url", "http://8.8.8.8", "--key", key], /must begin with https:\/\//],
        [["goal", "list", ...siteFlag, "--url", "http://[::1]:9", "--key", key], /cannot be reached/],
        [["console", "link", "--url", url, "--key", key], /^This works on the database of DATABASE_URL only/],
        [["instance", "list", "--url", url, "--key", key], /^This works on the database of DATABASE_URL only/],
        [["instance", "list", "--url", url], /^This works on the database of DATABASE_URL only/],
        [["site", "snippet", ...siteFlag, "--url", url], /^This works on the database of DATABASE_URL only/],
        [["person", "export", "--email", "a@b.example", "--url", url], /^A running service gives .* give --site\. /],
        [["person", "erase", "--email", "a@b.example", "--url", url], /^A running service gives .* give --site\. /],
        [["report", "rebuild", "--url", url], /^This works on the database of DATABASE_URL only/]
      ] as const) {
        const ended = yield* run(...args)
        assert.deepInclude(ended, { code: 1, stdout: "" }, args.join(" "))
        assert.match(ended.stderr, sentence)
        assert.notInclude(ended.stderr, key)
      }
    })
  )

  it.effect("sends nothing to an address to which the service redirects", () =>
    Effect.gen(function* () {
      const { run, siteFlag } = yield* both
      const { key } = yield* newKey("write")
      const target = yield* receiver((_, response) => response.end("{}"))
      const service = yield* receiver((_, response) => response.writeHead(307, { location: target.url }).end())
      const url = new URL(service.url).origin
      const ended = yield* run("goal", "create", ...siteFlag, "--event", "a", "--url", url, "--key", key)
      assert.lengthOf(service.received, 1)
      assert.lengthOf(target.received, 0)
      assert.deepInclude(ended, { code: 1, stdout: "" })
      assert.match(ended.stderr, /redirects to another address/)
    })
  )
})
