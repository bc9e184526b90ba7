/**
 * `scripts/stack`: starts the installation of `scripts/torture/Stack.ts`, prints its addresses, and runs until SIGINT or SIGTERM,
 * which end all of it.
 *
 * `npm run torture -- --only "three edges"` starts the same, and kills, hangs and restarts each part under load.
 *
 * @module
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import * as Stack from "./torture/Stack.ts"
import * as Conversations from "./torture/scenarios/Conversations.ts"

const run = Effect.gen(function* () {
  const agent = yield* Conversations.speakingAgent
  const { clickhouse, parts, pair, target, urls } = yield* Stack.make({ agentUrl: agent.url, settings: {} })
  const [first, second] = urls()
  console.log(`nginx: ${first} and ${second}
PostgreSQL: ${pair.url}
ClickHouse: ${clickhouse?.url ?? "not installed (scripts/clickhouse installs it); page views are in PostgreSQL"}
parts: ${parts.map(({ name }) => name).join(", ")}

curl --include --json '{"site_id":"${target.trackingToken}","page_path":"/"}' ${first}/v1/public/analytics/track
curl --include --json '{"site_id":"${target.websiteConfigId}","form_data":{"name":"Ada"}}' ${second}/v1/public/forms/submit
curl --no-buffer --header 'x-widget-token: ${target.widgetToken}' --json '{"message":"ten words: 10"}' \\
  ${first}/v1/public/widget/${target.instanceId}/chat

Ctrl-C ends all of it.`)
  return yield* Effect.never
}).pipe(Effect.scoped)

NodeRuntime.runMain(run)
