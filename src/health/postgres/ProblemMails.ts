/**
 * Looks every few minutes for the problems of the websites whose recipients want mails about them, and makes a mail when a problem
 * begins and when it ends. One process does so at a time: the one that looks for left-over work.
 *
 * A problem is mailed when it has lasted for a while, and its end when it has been gone for a while, so that one that comes and
 * goes is one problem. However often it does, its beginning is mailed once a day at most. Times are milliseconds since 1970.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Clock, Effect, Layer, Schema } from "effect"
import type { ProblemNotice } from "../../delivery/mail/ProblemMail.ts"
import * as MailFanOut from "../../delivery/mail/postgres/MailFanOut.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { type CheckedSite, type Problem, Problems, withoutSubject } from "../Problem.ts"

/** What is known about a problem that was found before. */
export interface Watched {
  /** Since when each look has found it; null while it is gone. */
  readonly seenSince: number | null
  /** Since when no look has found it; null while it is there. */
  readonly goneSince: number | null
  /** When its beginning was mailed the last time; null for never. */
  readonly begunAt: number | null
  /** Whether its end is still to be mailed. */
  readonly isMailed: boolean
}

/** How long a problem lasts before it is mailed. */
export const beginAfter = 10 * 60_000

/** How long a mailed problem is gone before its end is mailed. */
export const endAfter = 60 * 60_000

/** The minimum time between two mails about the beginning of the same problem. */
export const beginApart = 24 * 60 * 60_000

export type Mailed = "began" | "ended"

/** What follows from a look: what is known then, null if it can be forgotten; and what is mailed. */
export interface Step {
  readonly watched: Watched | null
  readonly mailed: Mailed | null
}

const unknown: Watched = { seenSince: null, goneSince: null, begunAt: null, isMailed: false }

const mayBegin = ({ begunAt }: Watched, now: number): boolean => begunAt === null || now - begunAt >= beginApart

/** What follows from a look at `now` that finds a problem, or that does not find one that was found before. */
export const step = (before: Watched | null, isFound: boolean, now: number): Step => {
  const known = before ?? unknown
  if (isFound) {
    const seenSince = known.seenSince ?? now
    const watched = { ...known, seenSince, goneSince: null }
    return !known.isMailed && now - seenSince >= beginAfter && mayBegin(known, now)
      ? { watched: { ...watched, begunAt: now, isMailed: true }, mailed: "began" }
      : { watched, mailed: null }
  }
  const goneSince = known.goneSince ?? now
  const watched = { ...known, seenSince: null, goneSince }
  if (known.isMailed) {
    return now - goneSince >= endAfter
      ? { watched: { ...watched, isMailed: false }, mailed: "ended" }
      : { watched, mailed: null }
  }
  return { watched: mayBegin(known, now) ? null : watched, mailed: null }
}

/**
 * Identifies a problem among those of its website over time. All refused origins are one problem: anyone can make more of them. A
 * webhook that fails and is then disabled is one, too.
 */
const keyOf = ({ field, kind, subject, subject_id }: Problem): string => {
  if (kind === "origin_refused") return kind
  const family = kind === "webhook_disabled" ? "webhook_failing" : kind
  return JSON.stringify([family, ...(subject_id === null ? [subject, field] : [subject_id])])
}

/** The problems by their keys; of several with one key the first, which is the most urgent. */
export const byKey = (problems: ReadonlyArray<Problem>): ReadonlyMap<string, Problem> =>
  new Map(problems.toReversed().map((problem) => [keyOf(problem), problem]))

/** Whether the beginning of a problem is mailed as such: about a disabled webhook, every recipient gets a mail anyway. */
export const isBeginningMailed = ({ kind }: Pick<Problem, "kind">): boolean => kind !== "webhook_disabled"

/** The maximum number of websites whose problems are found by one call, and whose mails are made in one transaction. */
const chunk = 50

const Sites = Schema.Array(
  Schema.Struct({
    websiteConfigId: WebsiteConfigId,
    hostedWebsiteId: HostedWebsiteId
  })
)

/** The next websites after `$1` whose problems are mailed, or were until a moment ago. */
const sitesStatement = `SELECT website_config_id AS "websiteConfigId", hosted_website_id AS "hostedWebsiteId"
  FROM site JOIN (
    SELECT website_config_id FROM notification WHERE mails_problems AND is_confirmed
    UNION SELECT website_config_id FROM watched_problem
  ) AS watched USING (website_config_id)
  WHERE deleted_at IS NULL AND website_config_id > $1 ORDER BY website_config_id LIMIT ${chunk}`

const WatchedRows = Schema.Array(
  Schema.Struct({
    site: WebsiteConfigId,
    key: Schema.String,
    title: Schema.String,
    seenSince: Schema.NullOr(Schema.Finite),
    goneSince: Schema.NullOr(Schema.Finite),
    begunAt: Schema.NullOr(Schema.Finite),
    isMailed: Schema.Boolean
  })
)

const watchedStatement = `SELECT website_config_id AS site, problem AS key, title,
    ${Times.millisAs("seen_since", "seenSince")}, ${Times.millisAs("gone_since", "goneSince")},
    ${Times.millisAs("begun_at", "begunAt")}, is_mailed AS "isMailed"
  FROM watched_problem WHERE website_config_id = ANY ($1)`

/** Two processes that look at the same time take turns here: the second then finds what the first has stored. */
const lockStatement = `SELECT FROM site WHERE website_config_id = ANY ($1) ORDER BY website_config_id FOR NO KEY UPDATE`

/** What a mail says of a problem. Anyone can choose an origin, so it is not part of a sentence. */
const noticeOf = (problem: Problem): ProblemNotice => {
  const isOrigin = problem.kind === "origin_refused"
  return {
    title: (isOrigin ? withoutSubject(problem) : problem).title,
    named: isOrigin ? problem.subject : null,
    reason: problem.reason,
    since: problem.since,
    nextStep: problem.next_step
  }
}

interface Looked {
  readonly key: string
  readonly title: string
  readonly watched: Watched | null
}

const store = (sql: PgClient, site: WebsiteConfigId, { key, title, watched }: Looked) => {
  const [id, problem] = [PgTypes.uuid(site), PgTypes.text(key)]
  if (watched === null) {
    return sql`DELETE FROM watched_problem WHERE website_config_id = ${id} AND problem = ${problem}`
  }
  return sql`INSERT INTO watched_problem
      (website_config_id, problem, title, seen_since, gone_since, begun_at, is_mailed)
    VALUES (${id}, ${problem}, ${PgTypes.text(title)}, ${PgTypes.timestamptz(watched.seenSince)},
      ${PgTypes.timestamptz(watched.goneSince)}, ${PgTypes.timestamptz(watched.begunAt)},
      ${sql.literal(String(watched.isMailed))})
    ON CONFLICT (website_config_id, problem) DO UPDATE SET title = excluded.title, seen_since = excluded.seen_since,
      gone_since = excluded.gone_since, begun_at = excluded.begun_at, is_mailed = excluded.is_mailed`
}

/** Stores what a look has found, and makes the mails. Needs a transaction. Returns the number of websites that get a mail. */
const record = Effect.fnUntraced(function* (
  sql: PgClient,
  sites: ReadonlyArray<CheckedSite>,
  found: ReadonlyMap<WebsiteConfigId, ReadonlyArray<Problem>>,
  now: number
) {
  const ids = [Database.uuids(sites.map(({ websiteConfigId }) => websiteConfigId))]
  yield* sql.unsafe(lockStatement, ids)
  const rows = yield* sql.unsafe(watchedStatement, ids).pipe(decodeRows(WatchedRows))
  let mailed = 0
  for (const { websiteConfigId } of sites) {
    const problems = byKey(found.get(websiteConfigId) ?? [])
    const known = new Map(rows.flatMap((row) => (row.site === websiteConfigId ? [[row.key, row] as const] : [])))
    const began: Array<ProblemNotice> = []
    const ended: Array<string> = []
    for (const key of new Set([...problems.keys(), ...known.keys()])) {
      const problem = problems.get(key)
      const before = known.get(key) ?? null
      const looked = step(before, problem !== undefined, now)
      const title = problem === undefined ? (before?.title ?? "") : noticeOf(problem).title
      yield* store(sql, websiteConfigId, { key, title, watched: looked.watched })
      if (looked.mailed === "began" && problem !== undefined && isBeginningMailed(problem))
        began.push(noticeOf(problem))
      if (looked.mailed === "ended") ended.push(title)
    }
    if (began.length + ended.length === 0) continue
    mailed++
    yield* MailFanOut.problems(sql, websiteConfigId, { began, ended })
  }
  return mailed
})

/** One look at all websites whose problems are mailed. */
export const look: Effect.Effect<
  void,
  Effect.Error<ReturnType<Problems["Service"]["of"]>>,
  PgClient | Problems
> = Effect.gen(function* () {
  const sql = yield* PgClient
  const problems = yield* Problems
  const { wake } = yield* Rounds.Wakeups
  let after = "00000000-0000-0000-0000-000000000000"
  while (true) {
    const sites = yield* sql.unsafe(sitesStatement, [PgTypes.uuid(after)]).pipe(Database.read(Sites))
    if (sites.length === 0) return
    const found = yield* problems.of(sites)
    const now = yield* Clock.currentTimeMillis
    const mailed = yield* record(sql, sites, found, now).pipe(sql.withTransaction, Database.mapErrors)
    if (mailed > 0) wake("mails")
    after = sites.at(-1)?.websiteConfigId ?? after
    if (sites.length < chunk) return
  }
})

export const layer: Layer.Layer<never, never, PgClient | Problems> = Layer.effectDiscard(
  Rounds.start({
    kind: "problems",
    what: "look for the problems of websites",
    round: Effect.as(look, null),
    gap: "1 second",
    startsAtOnce: false
  })
)
