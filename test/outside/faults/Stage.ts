/**
 * A service with a PostgreSQL of its own, and visitors who send it page views, submissions and chat messages.
 *
 * @module
 */
import { Agent } from "node:http"
import { setTimeout } from "node:timers/promises"
import { PgClient } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { type Outcome, reconcile } from "../../../scripts/torture/Ledger.ts"
import * as Load from "../../../scripts/torture/Load.ts"
import { checkAccount } from "../../../scripts/torture/scenarios/Figures.ts"
import * as Process from "../../support/Process.ts"
import { until } from "../../support/Wait.ts"
import * as Command from "../Command.ts"
import * as Chats from "./Chats.ts"
import * as Postgres from "./Postgres.ts"
import * as Receivers from "./Receivers.ts"

/** The grace period of a service that ends, in milliseconds. */
export const grace = 3_000

export const visitors = 12

/**
 * How many requests of each visitor are acknowledged before a fault, and after it. Only those around the fault are at risk; all others
 * cost processor time.
 */
export const rounds = 3

/** Milliseconds from a response to a visitor's next request: the services need the processors to start and end meanwhile. */
export const pace = 120

export class Stage extends Context.Service<
  Stage,
  {
    readonly postgres: Postgres.Postgres
    readonly target: Load.Target
    readonly service: () => Process.Process
    /** Starts a service with these flags of `serve`, which the visitors use from now on. */
    readonly start: (...flags: ReadonlyArray<string>) => Effect.Effect<Process.Process>
    /** Creates a website whose submissions are mailed. */
    readonly mailedWebsite: Effect.Effect<string>
    /** The acknowledged submissions so far: of the website with a webhook, and of those with mails. */
    readonly acknowledged: { readonly sent: Set<string>; readonly mailed: Set<string> }
    readonly events: Receivers.Sent
    readonly mails: Receivers.Sent
  }
>()("test/outside/faults/Stage") {}

export const layer: Layer.Layer<Stage> = Layer.effect(
  Stage,
  Effect.gen(function* () {
    const [postgres, agent, webhooks, mails] = yield* Effect.all([
      Postgres.start,
      Receivers.agent,
      Receivers.webhooks,
      Receivers.mails
    ])
    const env = {
      DATABASE_URL: postgres.url,
      DATABASE_TIMEOUT: "1 minute",
      SECRETS_KEY: "5a".repeat(32),
      WEBHOOK_ALLOW: webhooks.host,
      SMTP_URL: `smtp://127.0.0.1:${mails.port}`,
      MAIL_FROM: "edge@example.com",
      PUBLIC_URL: "https://edge.example",
      SHUTDOWN_GRACE: `${grace} millis`,
      RATE_LIMIT_CHAT_READ: "off"
    }
    const command = (...args: ReadonlyArray<string>) => Command.json(args, env)
    yield* command("migrate")
    const scope = yield* Effect.scope
    const start = (...flags: ReadonlyArray<string>) =>
      Effect.provideService(Process.start("serve", env, flags), Scope.Scope, scope)
    const newWebsite = Effect.map(command("site", "create", "--name", "Shop"), (site) => ({
      trackingToken: `${site["tracking_token"]}`,
      websiteConfigId: `${site["site_id"]}`
    }))
    const prepareWebsite = Effect.tap(newWebsite, ({ websiteConfigId }) =>
      command("webhook", "create", "--site", websiteConfigId, "--url", `http://${webhooks.host}/`)
    )
    const newInstance = Effect.gen(function* () {
      const { instance_id = "" } = yield* command(
        ...["instance", "create", "--name", "Support", "--agent-url", agent, "--no-check"]
      )
      const { token = "" } = yield* command("token", "issue", "--instance", instance_id)
      return { instanceId: instance_id, widgetToken: token }
    })
    const [website, instance, first] = yield* Effect.all([prepareWebsite, newInstance, start()], { concurrency: 3 })
    let service = first
    return {
      postgres,
      target: { ...website, ...instance },
      service: () => service,
      start: (...flags) =>
        Effect.map(start(...flags), (next) => {
          service = next
          return next
        }),
      mailedWebsite: Effect.gen(function* () {
        const { websiteConfigId } = yield* newWebsite
        yield* command("notify", "add", "--site", websiteConfigId, "--to", "owner@example.com")
        return websiteConfigId
      }),
      acknowledged: { sent: new Set(), mailed: new Set() },
      events: webhooks.events,
      mails: mails.sent
    }
  })
)

/** The rows of a load: its page views, and its submissions. */
export const rowsOf = Effect.fnUntraced(
  function* (url: string, run: string) {
    const sql = yield* PgClient.make({ url: Redacted.make(url), maxConnections: 1 })
    const views = yield* sql<{ readonly mark: string }>`
    SELECT substr(path, 2) AS mark FROM page_view WHERE starts_with(path, ${`/${run}-`})`
    const forms = yield* sql<{ readonly mark: string; readonly submissionId: string }>`
    SELECT form_data->>'mark' AS mark, submission_id AS "submissionId" FROM submission
    WHERE starts_with(form_data->>'mark', ${`${run}-`})`
    return [...views, ...forms]
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer),
  Effect.orDie
)

/** More mails to an address within an hour would be collected in one. */
const maxMails = 9

/** A visitor who submits forms that are mailed, until the scope closes. Returns the acknowledged submissions. */
const submitMailed = (url: () => string, websiteConfigId: string, acknowledged: Set<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const agent = new Agent({ keepAlive: false })
      const body = JSON.stringify({ site_id: websiteConfigId, form_data: { message: "Hello" } })
      let isRunning = true
      const submit = async () => {
        // A request without an answer may have been stored and mailed.
        for (let count = 0; isRunning && count < maxMails; count++) {
          const answer = await Load.post(agent, `${url()}/v1/public/forms/submit`, body).catch(() => undefined)
          if (answer?.status === 200) acknowledged.add(JSON.parse(answer.body).submission_id)
          await setTimeout(200)
        }
      }
      const ended = submit()
      return Effect.promise(() => {
        isRunning = false
        return ended
      })
    }),
    (stop) => stop
  )

/** The visitors around a fault. */
interface Visitors {
  /** Waits until all visitors are served again, and what they had sent before is answered. */
  readonly served: Effect.Effect<void>
  /** The outcomes so far of the page views and submissions. */
  readonly outcomes: () => ReadonlySet<Outcome>
  /** The chats that have ended so far. */
  readonly chats: ReadonlyArray<Chats.Chat>
}

/**
 * Injects a fault under load, or several, waits until all visitors are served again, and asserts that nothing acknowledged is lost
 * and nothing is stored twice. Returns the account of the page views and submissions, and the chats.
 */
export const underLoad = Effect.fnUntraced(function* <A>(
  fault: (visitors: Visitors) => Effect.Effect<A, never, Scope.Scope>
) {
  const stage = yield* Stage
  const { acknowledged, postgres, service, target } = stage
  const url = () => service().url
  const website = yield* stage.mailedWebsite
  const load = yield* Load.start({ url, target, clients: visitors, pace })
  const chats = yield* Chats.start(url, target, 4)
  const stopMailed = yield* submitMailed(url, website, acknowledged.mailed)
  const served = (title: string) =>
    Effect.suspend(() => {
      const [requests, talks] = [load.acknowledged(), chats.chats.length]
      const isAnswered = () => chats.chats.slice(talks).filter(({ finish }) => finish === "stop").length >= 4
      return until(title, () => load.acknowledged() > requests + rounds * visitors && isAnswered())
    })
  yield* served("visitors are served")
  // Requests are numbered: one that takes longer than those after it leaves a gap.
  const answered = Effect.suspend(() => {
    const marks = Array.from(load.ledger.keys(), (_, index) => `${load.run}-${index + 1}`)
    return until("earlier requests are answered", () => marks.every((mark) => load.ledger.has(mark)))
  })
  const result = yield* fault({
    served: Effect.asVoid(Effect.all([served("visitors are served between the faults"), chats.settled, answered])),
    outcomes: () => new Set([...load.ledger.values()].map(({ outcome }) => outcome)),
    chats: chats.chats
  })
  yield* served("visitors are served after the fault")
  yield* Effect.all([load.stop, chats.stop, stopMailed], { concurrency: "unbounded" })
  for (const { submissionId } of load.ledger.values()) {
    if (submissionId !== undefined) acknowledged.sent.add(submissionId)
  }
  const account = reconcile(load.ledger, yield* rowsOf(postgres.url, load.run))
  checkAccount(account)
  yield* Chats.checkStored(url(), target, chats.chats)
  assert.isAbove(acknowledged.mailed.size, 0)
  return { result, account, chats: chats.chats }
}, Effect.scoped)
