/**
 * The endpoints that create, read, change, delete and test an instance, at and below
 * `/v1/owner/sites/{site_id}/instances`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { AgentFailures } from "./AgentFailures.ts"
import { AgentStream } from "./AgentStream.ts"
import { type Outcome, ofOwner, problemOf } from "./agent/AgentCheck.ts"
import * as Inspection from "./agent/Inspection.ts"
import * as Instance from "./Instance.ts"
import * as InstanceChanges from "./InstanceChanges.ts"
import { InstanceDirectory, instanceNotFound, requireInstance } from "./InstanceDirectory.ts"

const testJson = (outcome: Outcome, millis: number) => {
  const isAnswered = outcome._tag === "Answered"
  return {
    answered: isAnswered,
    text: isAnswered && outcome.text !== "" ? outcome.text : null,
    first_word_millis: isAnswered ? outcome.firstWordMillis : null,
    millis,
    problem: problemOf(outcome),
    status: outcome._tag === "Refused" ? outcome.status : null
  }
}

/** How long the agent may take to answer: a runtime may have to load its model first. */
const testTimeout = "30 seconds"

export const layer = (options: InstanceChanges.Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "instances",
    Effect.fnUntraced(function* (handlers) {
      const directory = yield* InstanceDirectory
      const changes = yield* InstanceChanges.make(options)
      const agent = yield* AgentStream
      const failures = yield* AgentFailures
      const operations = yield* SiteSlots
      const requireOne = requireInstance(directory)
      return handlers
        .handle(
          "create",
          Effect.fnUntraced(function* ({ payload }) {
            const { site } = yield* Authorized.settings.change.proof
            return Instance.forOwner(yield* changes.create(site.websiteConfigId, payload))
          })
        )
        .handle(
          "read",
          Effect.fnUntraced(function* ({ params }) {
            const { site } = yield* Authorized.settings.change.proof
            return Instance.forOwner(yield* requireOne(site.websiteConfigId, params.instance_id))
          })
        )
        .handle(
          "update",
          Effect.fnUntraced(function* ({ params, payload }) {
            const { site } = yield* Authorized.settings.change.proof
            const updated = yield* changes.update(site.websiteConfigId, params.instance_id, payload)
            return Instance.forOwner(yield* Effect.fromOption(updated, () => instanceNotFound))
          })
        )
        .handle(
          "delete",
          Effect.fnUntraced(function* ({ params }) {
            const { site } = yield* Authorized.settings.change.proof
            const isDeleted = yield* directory.delete(site.websiteConfigId, params.instance_id)
            if (!isDeleted) return yield* Effect.fail(instanceNotFound)
          })
        )
        .handle(
          "test",
          Effect.fnUntraced(function* ({ params, payload: { question } }) {
            const { site } = yield* Authorized.settings.change.proof
            yield* operations.beginTest
            const begun = yield* Clock.currentTimeMillis
            const instance = yield* requireOne(site.websiteConfigId, params.instance_id)
            const outcome = yield* Effect.provideService(
              Inspection.ask(instance, ofOwner(question), testTimeout),
              AgentStream,
              agent
            )
            const millis = (yield* Clock.currentTimeMillis) - begun
            // Also an answer of which only the beginning was read ends the failures, before the caller lists them again.
            if (outcome._tag === "Answered") yield* failures.record(instance.instance_id, { _tag: "Answered" })
            yield* failures.flush
            return testJson(outcome, millis)
          })
        )
    })
  )
