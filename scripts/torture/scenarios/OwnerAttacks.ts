/**
 * What an owner can do to the others apart from reports and exports, which `OneOwner` covers: forms with costly patterns, webhooks
 * whose name server is silent, goals with costly patterns, and many revoked keys. Each scenario measures requests of others
 * before, and during the attack. The limit is twice the quiet time plus a constant.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Agent } from "node:http"
import { setTimeout } from "node:timers/promises"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Goal from "../../../src/analytics/Goal.ts"
import * as PgGoals from "../../../src/analytics/postgres/Goals.ts"
import * as DayRollUp from "../../../src/analytics/reports/postgres/DayRollUp.ts"
import * as RollUpLoop from "../../../src/analytics/reports/postgres/RollUpLoop.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as PgDatabase from "../../../src/platform/postgres/Database.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"
import * as NameServer from "../../../test/support/NameServer.ts"
import * as Upstream from "../../../test/support/TestUpstream.ts"
import { until } from "../../../test/support/Wait.ts"
import * as Statistics from "../../bench/harness/Statistics.ts"
import * as Cluster from "../Cluster.ts"
import * as Load from "../Load.ts"
import * as Owners from "../Owners.ts"
import * as Store from "../Store.ts"
import * as Webhooks from "../Webhooks.ts"
import { type Figures, rounded } from "./Figures.ts"
import { visits } from "./OneAddress.ts"

interface Measured {
  readonly quiet: number
  readonly attacked: number
  /** What is added to twice the quiet time. */
  readonly constant: number
}

/** Fails if a time exceeds twice its quiet time plus its constant. All times are in milliseconds. */
const compare = (times: Readonly<Record<string, Measured>>, others: Figures): Figures => {
  const rows = Object.entries(times).map(([name, { attacked, constant, quiet }]) => {
    const limit = 2 * quiet + constant
    const text = `${rounded(quiet)}, attacked ${rounded(attacked)}, limit ${rounded(limit)}`
    return { name: `${name} ms`, text, isWithin: attacked <= limit }
  })
  const figures = { ...Object.fromEntries(rows.map(({ name, text }) => [name, text])), ...others }
  const slow = rows.filter(({ isWithin }) => !isWithin).map(({ name }) => name)
  assert.deepEqual(slow, [], `others wait: ${JSON.stringify(figures)}`)
  return figures
}

/** Runs `send` every `pace` milliseconds until `stop`, which waits for the last ones. */
const paced = (pace: number, send: (number: number) => Promise<unknown>) => {
  const sent: Array<Promise<unknown>> = []
  const timer = setInterval(() => {
    const answered = send(sent.length)
    // `stop` reports a failure; without this, it would end the process first.
    answered.catch(() => {})
    sent.push(answered)
  }, pace)
  return {
    stop: Effect.promise(() => {
      clearInterval(timer)
      return Promise.all(sent)
    })
  }
}

/** Runs `send` by each of `clients` again and again until `stop`, which waits for the last ones. */
const repeated = (clients: number, send: (client: number) => Promise<unknown>) => {
  let isOver = false
  const all = Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (!isOver) await send(client)
    })
  )
  // `stop` reports a failure; without this, it would end the process first.
  all.catch(() => {})
  return {
    stop: Effect.promise(() => {
      isOver = true
      return all
    })
  }
}

/** No request may keep the event loop busy for longer, in milliseconds. */
const longestTurn = 50

/** Rules of `count` fields with a pattern of almost the maximum length each. The patterns differ, since compiled ones are kept. */
const rulesOf = (count: number, number: number, atom: string) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, field) => [
      `field${field}`,
      { pattern: `${atom.repeat(18)}${number}x${String.fromCharCode(97 + (field % 26))}${field}` }
    ])
  )

/** Rules that are accepted, that are refused after their patterns were read, and that are refused because they are too long. */
const costlyRules = [
  { rules: (number: number) => rulesOf(37, number, "[a-z]{10}"), status: 200 },
  { rules: (number: number) => rulesOf(36, number, "[a-z]{21}"), status: 422 },
  { rules: (number: number) => rulesOf(130, number, "[a-z]{999}"), status: 422 }
] as const

/** An owner sets the rules of forms 600 times a minute. */
export const costlyForms = Effect.fnUntraced(function* ({ millis }: { readonly millis: number }) {
  const cluster = yield* Cluster.make()
  const [attacker, other] = [yield* Store.prepare(cluster.url), yield* Store.prepare(cluster.url)]
  const [key = ""] = yield* Owners.keysOf(cluster.url, attacker.websiteConfigId, 1, "write")
  const { port, url } = yield* Owners.serve({ DATABASE_URL: cluster.url })
  yield* visits(port, other, 1_000)
  const quiet = yield* visits(port, other, millis)
  const statuses = new Owners.Statuses()
  const attack = paced(100, async (number) => {
    const { rules, status } = costlyRules[number % costlyRules.length]!
    const answer = await Owners.call(url, key, "PUT", `/sites/${attacker.websiteConfigId}/forms`, {
      page: `page-${number % Maximums.forms.max}`,
      rules: rules(number)
    })
    assert.equal(answer.status, status, answer.text.slice(0, 500))
    statuses.add(answer.status)
  })
  const attacked = yield* visits(port, other, millis)
  yield* attack.stop
  assert.equal(attacked.failed, 0)
  return compare(
    {
      "visitors' median": { quiet: quiet.p50, attacked: attacked.p50, constant: longestTurn },
      "visitors' 99th percentile": { quiet: quiet.p99, attacked: attacked.p99, constant: 2 * longestTurn }
    },
    { "forms set": String(statuses) }
  )
}, Effect.scoped)

const Created = Schema.fromJsonString(Schema.Struct({ webhook_id: Schema.String }))
const Tested = Schema.fromJsonString(Schema.Struct({ error: Schema.NullOr(Schema.String) }))

/** A chat's response time in milliseconds. */
const chat = (agent: Agent, url: string, { instanceId, widgetToken }: Load.Target): Promise<number> =>
  Owners.timed(() =>
    Load.post(agent, `${url}/v1/public/widget/${instanceId}/chat`, '{"message":"hi"}', {
      "x-widget-token": widgetToken
    })
  ).then(({ millis, value }) => {
    assert.equal(value.status, 200, value.body)
    return millis
  })

/** Far less than a silent look-up takes, which is five seconds; in milliseconds. */
const lookUpWait = 500

/** Six keys of an owner test webhooks whose name server does not answer, while submissions are due to them too. */
export const silentNames = Effect.fnUntraced(function* ({ times }: { readonly times: number }) {
  const cluster = yield* Cluster.make()
  const silent = yield* NameServer.start(() => "silent")
  // Each request needs a new connection, and so the system's look-up of `localhost`.
  const agent = yield* Upstream.start((_, response) => {
    response.writeHead(200, { ...Upstream.sse, connection: "close" })
    response.end(`${Upstream.says("ok")}${Upstream.finishes("stop")}`)
  })
  const receiver = yield* Webhooks.receiver(
    (_, response) => void response.writeHead(204, { connection: "close" }).end()
  )
  const byName = (address: string) => address.replace("127.0.0.1", "localhost")
  const attacker = yield* Store.prepare(cluster.url)
  const other = yield* Store.prepare(cluster.url, byName(agent.url))
  yield* Webhooks.create(cluster.url, other.websiteConfigId, [byName(receiver.url)])
  const keys = yield* Owners.keysOf(cluster.url, attacker.websiteConfigId, 6, "write")
  const { url } = yield* Owners.serve(
    {
      DATABASE_URL: cluster.url,
      SECRETS_KEY: Webhooks.secretsKey,
      WEBHOOK_ALLOW: byName(receiver.host),
      TORTURE_NAME_SERVER: silent.server
    },
    ["--import", new URL("../programs/nameServer.ts", import.meta.url).href]
  )
  const clients = new Agent({ keepAlive: true })
  const measure = Effect.gen(function* () {
    const submissions = yield* Webhooks.submit({
      url: () => url,
      websites: [other.websiteConfigId],
      clients: 1,
      limit: times,
      perSecond: 4
    })
    const chats: Array<number> = []
    for (let number = 0; number < times; number++) {
      chats.push(yield* Effect.promise(() => chat(clients, url, other)))
      yield* Effect.promise(() => setTimeout(250))
    }
    const { acknowledged } = submissions
    yield* until("the other's submissions are acknowledged", () => acknowledged.size >= times)
    yield* until("they are delivered", () => [...acknowledged.keys()].every((id) => receiver.arrivals.has(id)))
    return { chat: Math.max(...chats), delivery: Webhooks.delays(submissions, receiver).at(-1) ?? Number.NaN }
  }).pipe(Effect.scoped)
  yield* measure
  const quiet = yield* measure

  const webhooks = `/sites/${attacker.websiteConfigId}/webhooks`
  const ids = yield* Effect.promise(() =>
    Promise.all(
      keys.map(async (key, number) => {
        const { text } = await Owners.call(url, key, "POST", webhooks, { url: `https://silent-${number}.example/` })
        return Schema.decodeUnknownSync(Created)(text).webhook_id
      })
    )
  )
  let ended = 0
  const attack = repeated(keys.length, async (client) => {
    const { status, text } = await Owners.call(url, keys[client]!, "POST", `${webhooks}/${ids[client]}/test`)
    assert.equal(status, 200, text)
    assert.match(Schema.decodeUnknownSync(Tested)(text).error ?? "", /was not found on the public internet$/)
    ended++
  })
  const attacked = yield* Effect.scoped(
    Effect.gen(function* () {
      yield* Webhooks.submit({ url: () => url, websites: [attacker.websiteConfigId], clients: 2, perSecond: 10 })
      yield* until("two names are looked up", () => new Set(silent.queried).size >= 2)
      return yield* measure
    })
  )
  yield* attack.stop
  clients.destroy()
  return compare(
    {
      "slowest chat": { quiet: quiet.chat, attacked: attacked.chat, constant: lookUpWait },
      "slowest delivery": { quiet: quiet.delivery, attacked: attacked.delivery, constant: lookUpWait }
    },
    { "tests without an address": ended, "look-ups": silent.queried.length }
  )
}, Effect.scoped)

/** Stores page views of the day before yesterday, with paths that a goal of equal letters compares slowly. */
const storeViews = (sql: PgClient.PgClient, { websiteConfigId }: Load.Target, count: number) =>
  sql`INSERT INTO page_view (hosted_website_id, visitor_hash, path, received_at, session_id)
    SELECT hosted_website_id, decode(lpad(to_hex(n), 32, '0'), 'hex'), '/' || n || repeat('x', 1800),
      now() - interval '50 hours', gen_random_uuid()
    FROM site, generate_series(1, ${count}::int) AS n WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}`

/** A statement of a rollup may take this long here, in milliseconds; by default, it is five minutes. */
const maxStatement = 10_000

/** Creates goals of the maximum length until one is refused, and returns their number. */
const createGoals = (database: string, { websiteConfigId }: Load.Target) =>
  Goal.Goals.use(({ create }) =>
    Effect.gen(function* () {
      for (let count = 0; ; count++) {
        const value = `/*${"x".repeat(Goal.maxPath - 5)}${100 + count}`
        assert.ok(Goal.isPage(value))
        const isRefused = yield* create(WebsiteConfigId.make(websiteConfigId), {
          name: `goal ${count}`,
          kind: "page",
          value
        }).pipe(
          Effect.as(false),
          Effect.catchTag("LimitReached", () => Effect.succeed(true))
        )
        if (isRefused) return count
      }
    })
  ).pipe(
    Effect.provide(
      PgGoals.layer.pipe(Layer.provide(PgDatabase.layer({ url: Redacted.make(database), connections: 1 })))
    ),
    Effect.orDie
  )

/** The duration of a rollup run of all websites, in milliseconds. */
const rollUp = (sql: PgClient.PgClient) =>
  Effect.promise(() =>
    Owners.timed(() =>
      Effect.runPromise(
        RollUpLoop.round.pipe(
          Effect.provideService(DayRollUp.MaxStatement, maxStatement),
          Effect.provideService(SqlClient.SqlClient, sql)
        )
      )
    )
  ).pipe(Effect.map(({ millis }) => millis))

/** Whether a website's visits are rolled up. */
const isRolledUp = (sql: PgClient.PgClient, { websiteConfigId }: Load.Target) =>
  sql`SELECT FROM visit JOIN site USING (hosted_website_id)
    WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} LIMIT 1`.pipe(Effect.map(({ length }) => length > 0))

/** An owner has as many goals as possible. A rollup run takes the websites in turn, oldest first. */
export const costlyGoals = Effect.fnUntraced(function* ({ pageViews }: { readonly pageViews: number }) {
  const cluster = yield* Cluster.make()
  const quiet = yield* Store.prepare(cluster.url)
  return yield* cluster.use((sql) =>
    Effect.gen(function* () {
      yield* storeViews(sql, quiet, 10)
      const alone = yield* rollUp(sql)
      assert.ok(yield* isRolledUp(sql, quiet))
      const [attacker, other] = [yield* Store.prepare(cluster.url), yield* Store.prepare(cluster.url)]
      const goals = yield* createGoals(cluster.url, attacker)
      assert.equal(goals, Maximums.goals.max)
      yield* storeViews(sql, attacker, pageViews)
      yield* storeViews(sql, other, 10)
      const together = yield* rollUp(sql)
      assert.ok(yield* isRolledUp(sql, other))
      return compare(
        { "another's rollup": { quiet: alone, attacked: together, constant: maxStatement + 1_000 } },
        {
          goals,
          "page views": pageViews,
          "statement's maximum ms": maxStatement,
          "attacker's rollup": (yield* isRolledUp(sql, attacker)) ? "finished" : "left out for an hour"
        }
      )
    })
  )
}, Effect.scoped)

const IssuedKey = Schema.fromJsonString(Schema.Struct({ key_id: Schema.String }))

/** An owner has many revoked keys, and ten clients that list them and revoke one. */
export const revokedKeys = Effect.fnUntraced(function* (options: { readonly count: number; readonly millis: number }) {
  const { count, millis } = options
  const cluster = yield* Cluster.make()
  const [attacker, other] = [yield* Store.prepare(cluster.url), yield* Store.prepare(cluster.url)]
  const [key = ""] = yield* Owners.keysOf(cluster.url, attacker.websiteConfigId, 1, "write")
  const [otherKey = ""] = yield* Owners.keysOf(cluster.url, other.websiteConfigId, 1, "write")
  const { port, url } = yield* Owners.serve({ DATABASE_URL: cluster.url })
  const requests = Effect.promise(async () => {
    const [issued, revoked]: [Array<number>, Array<number>] = [[], []]
    for (let number = 0; number < 11; number++) {
      const body = { scope: "read", sites: [other.websiteConfigId], label: "another" }
      const issue = await Owners.timed(() => Owners.call(url, otherKey, "POST", "/keys", body))
      assert.equal(issue.value.status, 200, issue.value.text)
      const { key_id: id } = Schema.decodeUnknownSync(IssuedKey)(issue.value.text)
      const revoke = await Owners.timed(() => Owners.call(url, otherKey, "DELETE", `/keys/${id}`))
      assert.equal(revoke.value.status, 204, revoke.value.text)
      issued.push(issue.millis)
      revoked.push(revoke.millis)
    }
    return { issued: Statistics.median(issued), revoked: Statistics.median(revoked) }
  })
  yield* requests
  const quiet = { ...(yield* requests), visitors: (yield* visits(port, other, millis)).p50 }

  const [revokedId = ""] = yield* cluster.use((sql) =>
    Effect.gen(function* () {
      yield* sql`INSERT INTO owner_key (key_id, key_sha256, scope, all_sites, created_at, revoked_at)
        SELECT gen_random_uuid(), decode(md5(n::text) || md5('key' || n), 'hex'), 'read', false,
          now() - n * interval '1 second', now()
        FROM generate_series(1, ${count}::int) AS n`
      const added = yield* sql<{ readonly key_id: string }>`INSERT INTO owner_key_site (key_id, website_config_id)
        SELECT key_id, ${PgTypes.uuid(attacker.websiteConfigId)} FROM owner_key
        WHERE NOT EXISTS (SELECT FROM owner_key_site AS reached WHERE reached.key_id = owner_key.key_id)
        RETURNING key_id`
      assert.equal(added.length, count)
      // PostgreSQL does this by itself within minutes; the plans of the queries depend on it.
      yield* sql`ANALYZE`
      return added.slice(0, 1).map((row) => row.key_id)
    })
  )
  const list = () => Owners.call(url, key, "GET", "/keys?limit=100")
  const listMillis = yield* Effect.promise(async () => {
    const all: Array<number> = []
    for (let number = 0; number < 5; number++) {
      const { millis, value } = await Owners.timed(list)
      assert.equal(value.status, 200, value.text)
      all.push(millis)
    }
    return Statistics.median(all)
  })
  const statuses = new Owners.Statuses()
  const attack = repeated(10, async (client) => {
    const { status } = await (client % 2 === 0 ? list() : Owners.call(url, key, "DELETE", `/keys/${revokedId}`))
    statuses.add(status)
  })
  const during = yield* requests
  const attacked = yield* visits(port, other, millis)
  yield* attack.stop
  assert.equal(attacked.failed, 0)
  return compare(
    {
      // As for reports: one of the attacker's requests may go first.
      "another's key": { quiet: quiet.issued, attacked: during.issued, constant: listMillis },
      "its revocation": { quiet: quiet.revoked, attacked: during.revoked, constant: listMillis },
      "visitors' median": { quiet: quiet.visitors, attacked: attacked.p50, constant: longestTurn }
    },
    { "revoked keys": count, "attacker's list ms": rounded(listMillis), "attacker's requests": String(statuses) }
  )
}, Effect.scoped)
