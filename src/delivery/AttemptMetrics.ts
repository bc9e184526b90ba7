/**
 * Counts attempts to deliver events and to send mails.
 *
 * @module
 */
import { Effect, Metric } from "effect"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import type { Next as NextMail } from "./mail/MailSchedule.ts"

type Status = NextMail["status"] | "delivered"

/** The outcome of an attempt, by the status that followed it. A cancelled mail has no outcome, since it was not attempted. */
const outcomes: Readonly<Record<Exclude<Status, "cancelled">, Metrics.AttemptOutcome>> = {
  delivered: "delivered",
  sent: "delivered",
  pending: "retried",
  failed: "failed"
}

type AttemptMetric = typeof Metrics.webhookAttempts

/** Creates the series of a metric before their first values: a rate needs the initial zero. */
export const start = (metric: AttemptMetric): Effect.Effect<void> =>
  Effect.forEach(Metrics.attemptOutcomes, (outcome) => Metric.value(metric({ outcome })), { discard: true })

/** Counts an attempt by the status that followed it. */
export const count = (metric: AttemptMetric, status: Status): Effect.Effect<void> =>
  status === "cancelled" ? Effect.void : Metric.update(metric({ outcome: outcomes[status] }), 1)
