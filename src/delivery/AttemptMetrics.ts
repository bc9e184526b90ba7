/**
 * Counts attempts to deliver events and to send mails.
 *
 * @module
 */
import { Effect, Metric } from "effect"
import type { Next as NextMail } from "../core/mail/MailSchedule.ts"
import * as Metrics from "../core/metrics/Metrics.ts"

type Status = NextMail["status"] | "delivered"

/** None for a mail that was not attempted because it had no content any more. */
const outcomes: Readonly<Record<Exclude<Status, "cancelled">, Metrics.AttemptOutcome>> = {
  delivered: "delivered",
  sent: "delivered",
  pending: "retried",
  failed: "failed"
}

type AttemptMetric = typeof Metrics.webhookAttempts

/** Makes the series of a metric, so that a rate has its zero. */
export const start = (metric: AttemptMetric): Effect.Effect<void> =>
  Effect.forEach(Metrics.attemptOutcomes, (outcome) => Metric.value(metric({ outcome })), { discard: true })

/** Counts an attempt that led to a status. */
export const count = (metric: AttemptMetric, status: Status): Effect.Effect<void> =>
  status === "cancelled" ? Effect.void : Metric.update(metric({ outcome: outcomes[status] }), 1)
