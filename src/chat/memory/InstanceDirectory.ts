/**
 * Keeps instances in this process, for tests and trials. Unbounded, because visitors cannot create instances.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect, Layer, Option, Result } from "effect"
import { LimitReached } from "../../platform/Storage.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as Instance from "../Instance.ts"
import { InstanceDirectory } from "../InstanceDirectory.ts"

/** @param options.instances the instances that exist at the start */
export const layer = (
  options: { readonly instances?: ReadonlyArray<Instance.Instance> } = {}
): Layer.Layer<InstanceDirectory> =>
  Layer.sync(InstanceDirectory, () => {
    const instances = new Map((options.instances ?? []).map((instance) => [instance.instanceId, instance]))
    const modify: InstanceDirectory["Service"]["modify"] = (id, decide) =>
      Effect.suspend(() => {
        const before = instances.get(id)
        if (before === undefined) return Effect.succeedNone
        return Effect.map(Effect.fromResult(decide(before)), (change) => {
          const changed: Instance.Instance = { ...before, ...change }
          instances.set(id, changed)
          return Option.some(changed)
        })
      })
    return InstanceDirectory.of({
      modify,
      create: (request) =>
        Effect.suspend(() => {
          const instance = Instance.make(request.instanceId ?? randomUUID(), request)
          const { websiteConfigId } = instance
          const own = [...instances.values()].filter((other) => other.websiteConfigId === websiteConfigId)
          if (websiteConfigId !== null && own.length >= Maximums.instances.max) {
            return Effect.fail(new LimitReached({ maximum: Maximums.instances }))
          }
          instances.set(instance.instanceId, instance)
          return Effect.succeed(instance)
        }),
      find: (id) => Effect.sync(() => Option.fromUndefinedOr(instances.get(id))),
      update: (id, change) => modify(id, () => Result.succeed(change)),
      delete: (id) => Effect.sync(() => instances.delete(id)),
      list: Effect.sync(() => [...instances.values()])
    })
  })
