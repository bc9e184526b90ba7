/**
 * The problems of a website, when a stored fact is one, and the service that finds them; see `health/postgres/Problems`. Browsers can
 * import it.
 *
 * A problem begins and ends with its facts: nobody closes it. Counts of a day can only grow, so a problem of counts ends when
 * nothing was counted for some time.
 *
 * @module
 */
import { Context, type Effect, Option, Schema } from "effect"
import { isFailing } from "../chat/AgentFailures.ts"
import type { WebsiteConfigId } from "../platform/Id.ts"
import * as AddressGuard from "../platform/outward/AddressGuard.ts"
import { failingLimit } from "../platform/outward/Schedule.ts"
import type { ReportTimeout, StorageUnavailable } from "../platform/Storage.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import type { Access } from "../sites/access/Access.ts"
import * as Fields from "../sites/access/Fields.ts"
import type { Site } from "../sites/Site.ts"

/** What can be wrong with a website, the most urgent first. */
export const kinds = [
  /** The agent of an assistant did not answer the last questions. */
  "agent_failed",
  /** A webhook was disabled because its receiver failed. */
  "webhook_disabled",
  /** The receiver of a webhook does not accept events. */
  "webhook_failing",
  /** The mails to a recipient are not accepted. */
  "mail_failing",
  /** No page view and no event was received for days, after earlier ones. */
  "tag_silent",
  /** Pages of an origin that is not allowed send page views, submissions or messages. */
  "origin_refused",
  /** The rules of a form refuse many submissions. */
  "form_rules_refuse",
  /** An assistant has used its tokens of the day. */
  "tokens_used_up",
  /** Visitors were refused because of a rate limit. */
  "limit_reached"
] as const

export type Kind = (typeof kinds)[number]

/** A problem of a website, with facts only: nothing in it comes from a visitor's input. */
export const Problem = Schema.Struct({
  kind: Schema.Literals(kinds),
  title: Schema.String.annotate({ description: "What is wrong, in words" }),
  subject: Schema.NullOr(Schema.String).annotate({
    description:
      "What has the problem: the name of an assistant, the host of a webhook, the domain of a recipient, a refused origin, or the `page_slug` of a form. Null for the website itself, for a webhook of the operator, and without the scope `read`"
  }),
  subject_id: Schema.NullOr(Fields.uuid).annotate({
    description:
      "The `instance_id`, `webhook_id` or `notification_id` of the subject, if it has one; of a refused origin, the instance that refused it"
  }),
  field: Schema.NullOr(Schema.String).annotate({ description: "The field whose rule refuses submissions" }),
  reason: Schema.NullOr(Schema.String).annotate({ description: "What happened the last time" }),
  since: Fields.time,
  last_at: Fields.time.annotate({ description: "When it happened the last time" }),
  count: Schema.Int.annotate({
    description:
      "How often it happened since then: failed answers, attempts or mails, refused requests; the days without one if the tag is silent"
  }),
  next_step: Schema.String.annotate({ description: "What the owner can do" })
})

export type Problem = typeof Problem.Type

/** Something that happened several times. Times are milliseconds since 1970. */
interface Series {
  readonly times: number
  readonly since: number
  readonly lastAt: number
}

interface OfInstance extends Series {
  readonly instanceId: string
  readonly name: string
}

/** What is stored of a website that may be a problem. */
export type Fact =
  /** The questions that an agent did not answer since its last answer. `reason` is that of the log. */
  | ({ readonly _tag: "AgentFailures"; readonly reason: string } & OfInstance)
  /** The questions that were refused because the tokens of the day were used. */
  | ({ readonly _tag: "TokenRefusals" } & OfInstance)
  /** The failed attempts of a webhook since its last success; `lastStatus` is null if there was no answer, and `lastError` says why. */
  | ({
      readonly _tag: "WebhookFailures"
      readonly webhookId: string
      readonly host: string | null
      readonly lastStatus: number | null
      readonly lastError: string | null
      readonly disabledAt: number | null
    } & Series)
  /** The mails to a recipient that were not accepted since the last one that was. */
  | ({ readonly _tag: "MailFailures"; readonly notificationId: string; readonly domain: string } & Series)
  /** The requests of a refused origin in the last days, to the website or to an instance. */
  | ({ readonly _tag: "RefusedOrigin"; readonly origin: string; readonly instanceId: string | null } & Series)
  /** The submissions that a rule refused in the last days. `stored` is the number of stored ones, counted up to what `storedForRefused` needs. */
  | ({ readonly _tag: "RefusedField"; readonly page: string; readonly field: string; readonly stored: number } & Series)
  /** The requests that a rate limit refused in the last days. */
  | ({ readonly _tag: "LimitRefusals" } & Series)
  /** When the last page view or event was received. */
  | { readonly _tag: "LastSeen"; readonly at: number }

/** Facts that are counted by day are read for this many days: today and those before, in UTC. */
export const countedDays = 3

/** From this many facts on there is a problem. One failure may be an accident, which the next attempt mends. */
export const thresholds = {
  /** Attempts: the third is made more than five minutes after the first. */
  webhookFailures: 3,
  mailFailures: 2,
  originRefusals: 3,
  fieldRefusals: 10,
  limitRefusals: 20
} as const

/** A rule refuses many if it refuses one submission for at most this many stored ones. */
export const storedForRefused = 4

/** Counts are a problem until nothing was counted for this time. */
export const quietAfter = Calendar.dayMillis

/** Refused origins are a problem for longer, since a page may have few visitors. */
export const originQuietAfter = 3 * Calendar.dayMillis

/** After this time without a page view or an event the tag is silent. */
export const silentAfter = 3 * Calendar.dayMillis

/** Whether the service disabled a webhook; an owner who disables one knows. */
const isDisabledByFailures = ({
  disabledAt,
  lastStatus,
  since
}: Pick<Fact & { readonly _tag: "WebhookFailures" }, "disabledAt" | "lastStatus" | "since">): boolean =>
  disabledAt !== null && (lastStatus === 410 || disabledAt - since >= failingLimit)

/** The kind of problem that a fact is at `now` (milliseconds since 1970); null if it is none. */
export const kindOf = (fact: Fact, now: number): Kind | null => {
  switch (fact._tag) {
    case "AgentFailures":
      return isFailing(fact) ? "agent_failed" : null
    case "TokenRefusals":
      return Calendar.dayOf(fact.lastAt) === Calendar.dayOf(now) ? "tokens_used_up" : null
    case "WebhookFailures":
      if (fact.disabledAt !== null) return isDisabledByFailures(fact) ? "webhook_disabled" : null
      return fact.times >= thresholds.webhookFailures ? "webhook_failing" : null
    case "MailFailures":
      return fact.times >= thresholds.mailFailures ? "mail_failing" : null
    case "RefusedOrigin":
      return fact.times >= thresholds.originRefusals && now - fact.lastAt < originQuietAfter ? "origin_refused" : null
    case "RefusedField":
      return fact.times >= thresholds.fieldRefusals &&
        fact.stored <= fact.times * storedForRefused &&
        now - fact.lastAt < quietAfter
        ? "form_rules_refuse"
        : null
    case "LimitRefusals":
      return fact.times >= thresholds.limitRefusals && now - fact.lastAt < quietAfter ? "limit_reached" : null
    case "LastSeen":
      return now - fact.at >= silentAfter ? "tag_silent" : null
  }
}

const lastAttempt = (status: number | null, error: string | null): string =>
  status === null ? (error ?? "The receiver gave no answer") : `The receiver answered ${status}`

/** What a kind of fact says besides its series. */
const described = (
  fact: Fact,
  kind: Kind
): Partial<Pick<Problem, "subject" | "subject_id" | "field" | "reason">> & Pick<Problem, "next_step"> => {
  switch (fact._tag) {
    case "AgentFailures":
      return {
        subject: fact.name,
        subject_id: fact.instanceId,
        reason: fact.reason,
        next_step:
          "Try the assistant, then correct the URL, the model or the key of its agent. The problem ends with the next answer."
      }
    case "TokenRefusals":
      return {
        subject: fact.name,
        subject_id: fact.instanceId,
        next_step: "Raise the daily tokens of the assistant, or wait until midnight UTC, when the next day begins."
      }
    case "WebhookFailures":
      return {
        subject: fact.host,
        subject_id: fact.webhookId,
        reason: lastAttempt(fact.lastStatus, fact.lastError),
        next_step: Option.isSome(AddressGuard.withoutHost(fact.lastError ?? ""))
          ? `Give the webhook another URL, or ask the operator to add its host and port to WEBHOOK_ALLOW; then ${kind === "webhook_disabled" ? "enable the webhook" : "send a test event"}.`
          : kind === "webhook_disabled"
            ? "Repair the receiver, then enable the webhook: the deliveries that wait are sent."
            : "Repair the receiver, then send a test event. Deliveries are tried again until one is accepted."
      }
    case "MailFailures":
      return {
        subject: fact.domain,
        subject_id: fact.notificationId,
        next_step:
          "See in the list of recipients what the mail server answered. Correct or remove the address, or ask the operator about the mail server."
      }
    case "RefusedOrigin":
      return {
        subject: fact.origin,
        subject_id: fact.instanceId,
        next_step: "If the origin is yours, allow it. If not, nothing is lost: its requests are not counted."
      }
    case "RefusedField":
      return {
        subject: fact.page === "" ? null : fact.page,
        field: fact.field === "" ? null : fact.field,
        next_step: "Compare the rule of the field with what visitors see in the form. Change the rule, or the page."
      }
    case "LimitRefusals":
      return {
        next_step:
          "If these are visitors, ask the operator to raise the limit, and check that the proxy's address is in TRUSTED_PROXIES."
      }
    case "LastSeen":
      return { next_step: "Check that the page still loads the script: open it, and look for its page view in Live." }
  }
}

const named = (name: string | null, unnamed: string): string => (name === null ? unnamed : `“${name}”`)

/** What is wrong, in words. */
const titleOf = ({ field, kind, subject }: Pick<Problem, "field" | "kind" | "subject">): string => {
  switch (kind) {
    case "agent_failed":
      return `${named(subject, "An assistant")} does not answer`
    case "webhook_disabled":
      return `The webhook to ${subject ?? "a receiver"} was disabled`
    case "webhook_failing":
      return `The webhook to ${subject ?? "a receiver"} fails`
    case "mail_failing":
      return `Mails to ${subject === null ? "a recipient" : `an address at ${subject}`} fail`
    case "tag_silent":
      return "The tag is silent"
    case "origin_refused":
      return `${subject ?? "An origin"} is refused`
    case "form_rules_refuse":
      return `The rule of ${named(field, "a field")} refuses many submissions${subject === null ? "" : ` of the form “${subject}”`}`
    case "tokens_used_up":
      return `${named(subject, "An assistant")} has used its tokens of the day`
    case "limit_reached":
      return "Visitors reach a limit"
  }
}

/** The problem that a fact is at `now` (milliseconds since 1970); null if it is none. */
export const problemOf = (fact: Fact, now: number): Problem | null => {
  const kind = kindOf(fact, now)
  if (kind === null) return null
  const { count, last, since } =
    fact._tag === "LastSeen"
      ? { count: Math.floor((now - fact.at) / Calendar.dayMillis), since: fact.at, last: fact.at }
      : { count: fact.times, since: fact.since, last: fact.lastAt }
  const problem = { kind, subject: null, subject_id: null, field: null, reason: null, ...described(fact, kind) }
  return {
    ...problem,
    title: titleOf(problem),
    since: Calendar.iso(since),
    last_at: Calendar.iso(last),
    count
  }
}

const rank = new Map(kinds.map((kind, index) => [kind, index]))

/** The problems that facts of a website are at `now`, the most urgent first, then the most frequent. */
export const problemsOf = (facts: ReadonlyArray<Fact>, now: number): ReadonlyArray<Problem> =>
  facts
    .flatMap((fact) => problemOf(fact, now) ?? [])
    .sort((left, right) => (rank.get(left.kind) ?? 0) - (rank.get(right.kind) ?? 0) || right.count - left.count)

/** A problem for callers who may not read settings: what is wrong, without its subject. */
export const withoutSubject = (problem: Problem): Problem => {
  const unnamed = { ...problem, subject: null, subject_id: null, field: null, reason: null }
  return { ...unnamed, title: titleOf(unnamed) }
}

/** What is read of a website to find its problems. */
export type CheckedSite = Pick<Site, "websiteConfigId" | "hostedWebsiteId">

/** The problems of websites. */
export type Found = ReadonlyMap<WebsiteConfigId, ReadonlyArray<Problem>>

export class Problems extends Context.Service<
  Problems,
  {
    /**
     * The problems of websites now, the most urgent first. A website without a problem has an empty list. The number of statements
     * does not depend on the number of websites, so that a page of websites needs one call.
     */
    readonly of: (sites: ReadonlyArray<CheckedSite>) => Effect.Effect<Found, StorageUnavailable | ReportTimeout>
    /** The same of all these websites, or of every website; those without a problem are missing. */
    readonly among: (sites: Access["sites"]) => Effect.Effect<Found, StorageUnavailable | ReportTimeout>
  }
>()("hydracore/health/Problems") {}
