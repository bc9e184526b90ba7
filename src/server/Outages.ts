/**
 * The outages of the stores in the log: one line when requests begin to get a 503 because of a store, one a minute while they do, and
 * one when the store answers again. The state of an outage is pure; the layer logs and checks the stores.
 *
 * @module
 */
import { Clock, Duration, Effect, Exit, Layer } from "effect"
import { type ReportError, type ReportSite, Reports } from "../analytics/reports/Reports.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../platform/Id.ts"
import { nameOf, type StorageUnavailable } from "../platform/Storage.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import { type NotReady, Readiness } from "./Readiness.ts"

/** Times are milliseconds since 1970. */
export interface Outage {
  /** The error of the latest request. */
  readonly error: StorageUnavailable
  readonly since: number
  /** The number of requests that got a 503. */
  readonly refused: number
  /** When the last line was logged. */
  readonly loggedAt: number
  /** Since when the store answers; undefined while it does not. */
  readonly recoveredAt: number | undefined
}

/** What a request or a check does to an outage, and the line that it logs. */
export interface Step<A> {
  readonly outage: A
  readonly line: string | undefined
}

/** The minimum time between two reminders, in milliseconds. */
export const reminderMillis = 60_000

/** How long a store answers without refusing a request until its outage has ended, in milliseconds. */
export const quietMillis = 5_000

/** The time between two checks of a store during an outage. */
const interval = Duration.seconds(1)

/** The time in which a store must answer a check. */
const timeout = Duration.seconds(2)

const requests = (count: number): string => (count === 1 ? "1 request" : `${count} requests`)

const took = (from: number, to: number): string =>
  Duration.format(Duration.seconds(Math.max(1, Math.round((to - from) / 1000))))

/** A request got a 503. */
export const refused = (before: Outage | undefined, error: StorageUnavailable, now: number): Step<Outage> => {
  if (before === undefined)
    return {
      outage: { error, since: now, refused: 1, loggedAt: now, recoveredAt: undefined },
      line: `${ErrorMapping.describe(error)} Requests that need it get a 503.`
    }
  const outage = { ...before, error, refused: before.refused + 1, recoveredAt: undefined }
  if (now - before.loggedAt < reminderMillis) return { outage, line: undefined }
  return {
    outage: { ...outage, loggedAt: now },
    line: `${ErrorMapping.describe(error)} ${requests(outage.refused)} got a 503 in ${took(outage.since, now)}.`
  }
}

/** The store was checked. The outage has ended if it is undefined afterwards. */
export const checked = (before: Outage, answers: boolean, now: number): Step<Outage | undefined> => {
  const { error, refused, since } = before
  if (!answers) return { outage: { ...before, recoveredAt: undefined }, line: undefined }
  const recoveredAt = before.recoveredAt ?? now
  if (now - recoveredAt < quietMillis) return { outage: { ...before, recoveredAt }, line: undefined }
  return {
    outage: undefined,
    line: `${nameOf(error)} answers again. ${requests(refused)} got a 503 in ${took(since, recoveredAt)}.`
  }
}

/** A website that does not exist, so that its report reads no row. */
const nowhere: ReportSite = {
  websiteConfigId: WebsiteConfigId.make("00000000-0000-0000-0000-000000000000"),
  hostedWebsiteId: HostedWebsiteId.make("00000000-0000-0000-0000-000000000000")
}

type Store = StorageUnavailable["setting"]

/** Logs the outages of this process. */
export const layer: Layer.Layer<never, never, Readiness | Reports> = Layer.effect(
  ErrorMapping.OnUnavailable,
  Effect.gen(function* () {
    const readiness = yield* Readiness
    const reports = yield* Reports
    const scope = yield* Effect.scope
    const outages = new Map<Store, Outage>()

    /** Whether a store answers. The stores that are not the main database are those of reports. */
    const answers = (store: Store): Effect.Effect<boolean> => {
      const check: Effect.Effect<void, NotReady | ReportError> =
        store === undefined ? readiness.check : Effect.asVoid(reports.currentVisitors(nowhere))
      return check.pipe(Effect.timeout(timeout), Effect.exit, Effect.map(Exit.isSuccess))
    }

    /** Checks a store until its outage has ended. */
    const watch = Effect.fnUntraced(function* (store: Store): Effect.fn.Return<void> {
      while (true) {
        yield* Effect.sleep(interval)
        const doesAnswer = yield* answers(store)
        const now = yield* Clock.currentTimeMillis
        const before = outages.get(store)
        if (before === undefined) return
        const { line, outage } = checked(before, doesAnswer, now)
        if (outage === undefined) {
          outages.delete(store)
          return yield* Effect.logInfo(line)
        }
        outages.set(store, outage)
      }
    })

    return Effect.fnUntraced(function* (error: StorageUnavailable) {
      const now = yield* Clock.currentTimeMillis
      const before = outages.get(error.setting)
      const { line, outage } = refused(before, error, now)
      outages.set(error.setting, outage)
      if (line !== undefined) {
        const annotations = { reason: error.reason, ...ErrorMapping.annotationsOf(error) }
        yield* Effect.annotateLogs(Effect.logWarning(line), annotations)
      }
      if (before === undefined) yield* Effect.forkIn(watch(error.setting), scope)
    })
  })
)
