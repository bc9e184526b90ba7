/**
 * Runs the commands of the README and the guides. The service is started as the operator's guide says: by its systemd
 * unit's commands, with its environment file, behind its nginx configuration.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { get } from "node:https"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { ConfigProvider, Context, Duration, Effect, Layer, Option, Redacted } from "effect"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import * as Snippet from "../../src/cli/Snippet.ts"
import * as DemoAgent from "../../src/demo/DemoAgent.ts"
import { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/services/chat/WidgetTokens.ts"
import { Notifications } from "../../src/services/mail/Notifications.ts"
import { OwnerKeys } from "../../src/services/sites/OwnerKeys.ts"
import { Shares } from "../../src/services/sites/Shares.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import { mailReceiver } from "../support/MailReceiver.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"
import * as Nginx from "../torture/Nginx.ts"
import * as Process from "../torture/Process.ts"
import * as CommandServer from "./CommandServer.ts"
import * as Documents from "./Documents.ts"
import * as Shell from "./Shell.ts"

const operator = "src/docs/operator.md"

/** `NAME=value` lines, as systemd reads them. */
const assignments = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text
      .split("\n")
      .filter((line) => /^[A-Za-z]+[A-Za-z_]*=/.test(line))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])
  )

const unit = assignments(Documents.onlyBlock(operator, "ini"))
const environment = assignments(Documents.onlyBlock(operator, "env"))

/** The parts of `ExecStart`: node, its flags, the program and its arguments. */
const start = (() => {
  const [node = "", ...words] = (unit["ExecStart"] ?? "").split(" ")
  const at = words.findIndex((word) => !word.startsWith("--"))
  return { node, flags: words.slice(0, at), program: words[at] ?? "", args: words.slice(at + 1) }
})()

class Service extends Context.Service<
  Service,
  {
    readonly process: Process.Process
    readonly agentUrl: string
    readonly databaseUrl: string
    readonly env: Readonly<Record<string, string>>
    /** The socket of the commands that run in the test's process. */
    readonly commands: string
    readonly storage: Layer.Layer<SiteDirectory | InstanceDirectory | WidgetTokens | OwnerKeys | Shares | Notifications>
  }
>()("hydracore/test/docs/Service") {}

const service = Layer.effect(
  Service,
  Effect.gen(function* () {
    const { url } = yield* TestDatabase.connection
    const agent = yield* DemoAgent.start({ pace: "1 millis" })
    const databaseUrl = Redacted.value(url)
    const mail = yield* mailReceiver()
    const env = {
      ...environment,
      SMTP_URL: `smtp://127.0.0.1:${mail.port}`,
      MAIL_FROM: "mail@example.com",
      PUBLIC_URL: "https://edge.example.com",
      SECRETS_KEY: "5".repeat(64),
      DATABASE_URL: databaseUrl,
      METRICS_PORT: "0",
      OWNER_API: "on",
      CONSOLE: "on",
      RATE_LIMIT_ANALYTICS: "1000/minute",
      RATE_LIMIT_FORMS: "1000/minute",
      RATE_LIMIT_CHAT: "1000/minute"
    }
    const [command, ...args] = start.args
    assert.strictEqual(command, "serve")
    const process = yield* Process.start("serve", env, args, start.flags)
    const settings = yield* Settings.parse(ConfigProvider.fromUnknown({}))
    const storage = Layer.orDie(
      Layer.provide(App.storage(settings), App.database(settings, { url: Redacted.make(databaseUrl) }))
    )
    const commands = yield* CommandServer.start({ ...env, AGENT_KEY: "a key" })
    return { process, agentUrl: agent.url, databaseUrl, env, commands, storage }
  })
)

/** A website, an agent, a token, a key and a quarantined submission of its own for each document. */
const seed = Effect.gen(function* () {
  const { agentUrl, process, storage } = yield* Service
  const { instance, key, notification, share, site, token } = yield* Effect.provide(
    Effect.gen(function* () {
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Docs", origins: [] }))
      const instance = yield* InstanceDirectory.use((instances) =>
        instances.create({ name: "Docs", agentUrl, agentModel: null, agentKeyEnv: null, origins: [] })
      )
      const token = Option.getOrThrow(
        yield* WidgetTokens.use((tokens) =>
          tokens.issue({ instanceId: instance.instanceId, label: null, expiresAt: null })
        )
      )
      const key = Option.getOrThrow(
        yield* OwnerKeys.use((keys) =>
          keys.issue({ scope: "read", sites: [site.websiteConfigId], label: null, expiresAt: null })
        )
      )
      const notification = Option.getOrThrow(
        yield* Notifications.use((notifications) =>
          notifications.add({
            websiteConfigId: site.websiteConfigId,
            recipient: "docs@example.com",
            topic: { kind: "submissions", digest: null, includeQuarantined: false }
          })
        )
      )
      const share = Option.getOrThrow(
        yield* Shares.use((shares) =>
          shares.create({ websiteConfigId: site.websiteConfigId, label: null, expiresAt: null })
        )
      )
      return { site, instance, token, key, notification, share }
    }),
    storage
  )
  const spam = { site_id: site.websiteConfigId, form_data: { hydracore_hp: "filled in", message: "Hello" } }
  const received = yield* Effect.promise(async () => {
    const response = await fetch(`${process.url}/v1/public/forms/submit`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(spam)
    })
    return (await response.json()) as { readonly submission_id: string }
  })
  return {
    website_config_id: site.websiteConfigId,
    tracking_token: site.trackingToken,
    instance_id: instance.instanceId,
    widget_token: token.token,
    owner_key: key.key,
    share_secret: share.secret,
    token_id: token.tokenId,
    notification_id: notification.notificationId,
    submission_id: received.submission_id
  }
})

/** The service's own addresses and ids in place of those that the documents write. */
const valuesOf = Effect.gen(function* () {
  const { agentUrl, process } = yield* Service
  const ids = yield* seed
  const metrics = yield* until(
    "the metrics are served",
    () => /Metrics on (http:\/\/[^/]+)\/metrics/.exec(process.output())?.[1]
  )
  return {
    ids,
    values: {
      ...Object.fromEntries(Object.entries(ids).map(([name, id]) => [`<${name}>`, id])),
      "http://127.0.0.1:8080": process.url,
      "http://127.0.0.1:9464": metrics,
      "http://localhost:9000": agentUrl
    }
  }
})

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A document's JSON against what was printed: the same members, with any uuid for `<uuid>`. */
const sameMembers = (printed: string, documented: string): void => {
  const actual = JSON.parse(printed) as Record<string, unknown>
  for (const [name, value] of Object.entries(JSON.parse(documented) as Record<string, unknown>)) {
    if (value === "<uuid>") assert.match(String(actual[name]), uuid, name)
    else assert.deepStrictEqual(actual[name], value, name)
  }
  assert.sameMembers(Object.keys(actual), Object.keys(JSON.parse(documented) as object))
}

/** What a document says that a block prints: the status line and the body of `http`, or a document of `json`. */
const checkOutput = (stdout: string, shown: Documents.Block | undefined): void => {
  if (shown?.language === "json") sameMembers(stdout, shown.text)
  if (shown?.language !== "http") return
  const [status = "", ...body] = shown.text.split("\n")
  assert.isTrue(stdout.startsWith(`${status}\r\n`), `${stdout.split("\r\n")[0]} instead of ${status}`)
  const documented = body.join("\n").trim()
  if (documented !== "") sameMembers(stdout.slice(stdout.indexOf("\r\n\r\n")).trim(), documented)
}

layer(service, { excludeTestServices: true, timeout: 180_000 })("the documents' commands", (it) => {
  for (const file of Documents.files) {
    const blocks = Documents.blocksOf(file)
    if (!blocks.some(({ mark }) => mark === "run")) continue
    it.effect(
      `${file}: every shell block succeeds`,
      () =>
        Effect.gen(function* () {
          const { commands, env } = yield* Service
          const { values } = yield* valuesOf
          for (const [index, block] of blocks.entries()) {
            if (block.language !== "sh" || block.mark !== "run") continue
            const text = Shell.replace(block.text, values)
            const ended = yield* Shell.runBlock(text, { ...env, AGENT_KEY: "a key" }, commands)
            assert.strictEqual(ended.code, 0, `${file}:${block.line}\n${ended.stdout}\n${ended.stderr}`)
            checkOutput(ended.stdout, blocks[index + 1])
          }
        }),
      180_000
    )
  }

  it.effect("README: the smoke test passes against the service", () =>
    Effect.gen(function* () {
      const { env, process } = yield* Service
      const { ids } = yield* valuesOf
      const folder = yield* temporary
      const file = path.join(folder, "demo.json")
      writeFileSync(file, JSON.stringify({ base_url: process.url, ...ids }))
      const ended = yield* Shell.run(`node scripts/smoke.ts --demo '${file}'`, env)
      assert.strictEqual(ended.code, 0, ended.stdout + ended.stderr)
    })
  )

  it.effect("operator: the dump leaves out a table that exists and holds the salts", () =>
    Effect.gen(function* () {
      const { databaseUrl } = yield* Service
      const table = /--exclude-table-data=(\w+)/.exec(Documents.textOf(operator))?.[1] ?? ""
      const sql = yield* TestDatabase.clientOf({ url: Redacted.make(databaseUrl), database: "" })
      const rows = yield* sql`SELECT column_name FROM information_schema.columns WHERE table_name = ${table}`
      assert.sameMembers(
        rows.map(({ column_name }) => column_name),
        ["day", "salt"]
      )
    }).pipe(Effect.scoped)
  )

  const behindNginx = "operator: nginx with TLS passes requests on"
  if (Nginx.executable === undefined && process.env["CI"] !== "true") {
    it.skip(`${behindNginx} (there is no nginx; install nginx-light)`, () => {})
  } else {
    it.effect(behindNginx, () =>
      Effect.gen(function* () {
        const { process } = yield* Service
        const port = yield* nginxServing(new URL(process.url).host)
        const answer = yield* until("nginx answers", () => secureGet(port, "/readyz"))
        assert.deepStrictEqual(answer, { status: 200, body: '{"status":"ready"}' })
      })
    )
  }

  // Last: it ends the service.
  it.effect("operator: the unit's ExecReload replaces the workers, and SIGTERM ends the service in order", () =>
    Effect.gen(function* () {
      const { env, process } = yield* Service
      const reloaded = yield* Shell.run((unit["ExecReload"] ?? "").replace("$MAINPID", String(process.pid)), env)
      assert.strictEqual(reloaded.code, 0, reloaded.stderr)
      yield* until("all workers are replaced", () => process.output().includes("All workers are replaced"))
      const ready = yield* Effect.promise(() => fetch(`${process.url}/readyz`))
      assert.strictEqual(ready.status, 200)
      yield* process.signal("SIGTERM")
      assert.deepStrictEqual(yield* process.ended, { code: 0, signal: null })
    })
  )
})

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-docs-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const certificates = path.join(Documents.root, "test/cli/fixtures/certificates")

/** A whole configuration around blocks of the guides: a block without a server gets one. */
const nginxConfig = (folder: string, blocks: ReadonlyArray<string>): string => `
daemon off;
pid ${folder}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${blocks.map((block) => (block.includes("server {") ? block : `server { listen unix:${folder}/socket; ${block} }`)).join("\n")}
}
`

/** The guides' certificate, ports and service replaced by those of a test. */
const nginxValues = (upstream: string, secure: number, plain: number) => ({
  "/etc/letsencrypt/live/edge.example/fullchain.pem": path.join(certificates, "here.crt"),
  "/etc/letsencrypt/live/edge.example/privkey.pem": path.join(certificates, "leaf.key"),
  "127.0.0.1:8080": upstream,
  "listen 443": `listen 127.0.0.1:${secure}`,
  "listen 80;": `listen 127.0.0.1:${plain};`,
  // nginx looks names up when it reads its configuration.
  "https://edge.example/": "https://127.0.0.1/"
})

/** Starts nginx with the operator's block; gives the port of its TLS. */
const nginxServing = Effect.fnUntraced(function* (upstream: string) {
  const folder = yield* temporary
  const [secure, plain] = [yield* Nginx.freePort, yield* Nginx.freePort]
  const block = Shell.replace(Documents.onlyBlock(operator, "nginx"), nginxValues(upstream, secure, plain))
  const file = path.join(folder, "nginx.conf")
  writeFileSync(file, nginxConfig(folder, [block]))
  yield* Effect.acquireRelease(
    Effect.sync(() => spawn(Nginx.executable ?? "nginx", ["-p", folder, "-c", file], { stdio: "ignore" })),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null) return
        const gone = once(child, "exit")
        child.kill("SIGTERM")
        await gone
      })
  )
  return secure
})

/** GET over TLS from whatever certificate; undefined while nobody listens. */
const secureGet = (port: number, url: string) =>
  new Promise<{ readonly status: number | undefined; readonly body: string } | undefined>((resolve) => {
    get({ host: "127.0.0.1", port, path: url, rejectUnauthorized: false, agent: false }, async (response) => {
      let body = ""
      for await (const part of response.setEncoding("utf8")) body += part
      resolve({ status: response.statusCode, body })
    }).on("error", () => resolve(undefined))
  })

describe("nginx", () => {
  const name = "every block passes nginx -t"
  if (Nginx.executable === undefined && process.env["CI"] !== "true") {
    it.skip(`${name} (there is no nginx; install nginx-light)`, () => {})
  } else {
    it.live(name, () =>
      Effect.gen(function* () {
        const blocks = Documents.blocks.filter(({ language }) => language === "nginx")
        assert.isAtLeast(blocks.length, 2)
        for (const { file, line, text } of blocks) {
          const folder = yield* temporary
          const values = nginxValues("127.0.0.1:8080", yield* Nginx.freePort, yield* Nginx.freePort)
          const config = path.join(folder, "nginx.conf")
          writeFileSync(config, nginxConfig(folder, [Shell.replace(text, values)]))
          const checked = yield* Shell.run(`'${Nginx.executable}' -t -p '${folder}' -c '${config}'`, {})
          assert.strictEqual(checked.code, 0, `${file}:${line}\n${checked.stderr}`)
        }
      }).pipe(Effect.scoped)
    )
  }
})

describe("operator: the unit", () => {
  it("starts node itself, with the flags that npm's script has", () => {
    const { scripts } = JSON.parse(readFileSync(path.join(Documents.root, "package.json"), "utf8")) as {
      readonly scripts: Record<string, string>
    }
    assert.strictEqual(start.node, "/usr/bin/node")
    assert.strictEqual(start.program, `${unit["WorkingDirectory"]}/src/main.ts`)
    assert.strictEqual(`exec node ${start.flags.join(" ")} src/main.ts`, scripts["hydracore"])
  })

  it("gives the service longer to end than it takes", async () => {
    const settings = await Effect.runPromise(Settings.parse(ConfigProvider.fromUnknown(environment)))
    // A worker may take six seconds after the grace period (`cli/Serve`).
    assert.isAbove(Number(unit["TimeoutStopSec"]), Duration.toSeconds(settings.shutdownGrace) + 6)
  })
})

describe("website and chat: the HTML", () => {
  it("is what `site snippet` prints", () => {
    for (const [file, baseUrl, index] of [
      ["src/docs/website.md", "https://edge.example", 0],
      ["src/docs/website.md", "https://edge.example", 2],
      ["src/docs/website.md", "/hc", 3],
      ["src/docs/chat.md", "https://edge.example", 0]
    ] as const) {
      const block = Documents.blocksOf(file).filter(({ language }) => language === "html")[index]
      const page = Snippet.page(
        {
          baseUrl,
          trackingToken: "<tracking_token>",
          websiteConfigId: "<website_config_id>",
          chat: { instanceId: "<instance_id>", token: "TOKEN" }
        },
        false
      )
      const lines = (block?.text ?? "").replace("<widget_token>", "TOKEN").split("\n")
      for (const line of lines.filter((line) => !line.includes("..."))) assert.include(page, line)
    }
  })
})
