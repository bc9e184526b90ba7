/**
 * `scripts/replay FOLDER`: replays recorded streams of model providers through the whole service, over storage in memory,
 * and prints for each whether a visitor gets what the provider sent. Exit code 1 if a recording differs, or if there is no
 * file.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises"
import path from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { ConfigProvider, Effect, Layer, Logger, Option } from "effect"
import { HttpServer } from "effect/http"
import * as App from "../src/App.ts"
import { Settings } from "../src/Config.ts"
import { InstanceDirectory } from "../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../src/chat/WidgetTokens.ts"
import * as Comparison from "../test/replay/Comparison.ts"
import * as Recording from "../test/replay/Recording.ts"
import * as MemoryStorage from "../test/support/MemoryStorage.ts"
import * as TestUpstream from "../test/support/TestUpstream.ts"

const usage = `scripts/replay FOLDER
  Replays every recording below FOLDER: a file *.txt, *.jsonl or *.ndjson with one JSON document per line, each the data of
  one server-sent event.
  Prints one line per recording: its name, its protocol, ok or what differs, the characters of its text, the number of its
  sources, what a visitor saw the agent do, and how the answer ended.`

const filesBelow = async (folder: string): Promise<ReadonlyArray<string>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /\.(txt|jsonl|ndjson)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
}

const settings = Settings.pipe(
  Effect.provideService(
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromUnknown({ RATE_LIMIT_ANALYTICS: "off", RATE_LIMIT_FORMS: "off", RATE_LIMIT_CHAT: "off" })
  )
)

const send = (url: string, token: string) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "x-widget-token": token },
      body: JSON.stringify({ message: "Replay" })
    })
    return { status: response.status, body: await response.text() }
  })

const replay = Effect.fnUntraced(function* (files: ReadonlyArray<string>, folder: string) {
  let body = ""
  const agent = yield* TestUpstream.start((_, response) => response.writeHead(200, TestUpstream.sse).end(body))
  const parsed = yield* settings
  const context = yield* Layer.build(
    App.server({ settings: parsed, listen: { host: "127.0.0.1", port: 0 } }).pipe(
      Layer.provideMerge(MemoryStorage.layer()),
      Layer.provide([App.outwardClient(parsed), Logger.layer([])])
    )
  )
  const { address } = yield* Effect.provide(HttpServer.HttpServer, context)
  const base = HttpServer.formatAddress(address)

  const instanceFor = (agentProtocol: Recording.Protocol) =>
    Effect.gen(function* () {
      const instances = yield* InstanceDirectory
      const tokens = yield* WidgetTokens
      const { instance_id: instanceId } = yield* instances.create({
        name: "Replay",
        agent_url: agent.url,
        agent_protocol: agentProtocol
      })
      const issued = yield* tokens.issue({ reach: "all", instanceId, label: null, expiresAt: null })
      return {
        url: `${base}/v1/public/widget/${instanceId}/chat`,
        token: Option.getOrThrow(issued).token
      }
    }).pipe(Effect.provide(context))

  let replayed = 0
  let differing = 0
  for (const file of files) {
    const recording = Recording.parse(yield* Effect.promise(() => readFile(file, "utf8")))
    const name = path.relative(folder, file)
    if (recording === null) {
      console.log(`${name}  -  skipped: it contains no frame of a known protocol`)
      continue
    }
    replayed++
    body = Recording.toEventStream(recording)
    const { token, url } = yield* instanceFor(recording.protocol)
    const answer = yield* send(url, token)
    const comparison = Comparison.compare(Recording.expected(recording), answer)
    if (comparison.differences.length > 0) differing++
    console.log(
      [
        name,
        recording.protocol,
        comparison.differences.join("; ") || "ok",
        `${comparison.characters} characters`,
        `${comparison.sources} sources`,
        comparison.activities.join("+") || "no activity",
        comparison.ending
      ].join("  ")
    )
  }
  console.log(`${replayed - differing} of ${replayed} recordings reached the visitor unchanged.`)
  return differing
}, Effect.scoped)

const [folder] = process.argv.slice(2)
if (folder === undefined || folder === "--help") {
  console.log(usage)
  process.exitCode = folder === undefined ? 2 : 0
} else {
  const files = await filesBelow(folder)
  const program = replay(files, folder).pipe(
    Effect.tap((differing) =>
      Effect.sync(() => {
        process.exitCode = differing === 0 && files.length > 0 ? 0 : 1
      })
    )
  )
  NodeRuntime.runMain(program)
}
