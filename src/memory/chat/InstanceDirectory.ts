/**
 * Keeps instances in this process, for tests and trials. Unbounded, because visitors cannot create instances.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect, Layer, Option } from "effect"
import * as Instance from "../../core/chat/Instance.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"

/** @param options.instances the instances that exist at the start */
export const layer = (
  options: { readonly instances?: ReadonlyArray<Instance.Instance> } = {}
): Layer.Layer<InstanceDirectory> =>
  Layer.sync(InstanceDirectory, () => {
    const instances = new Map((options.instances ?? []).map((instance) => [instance.instanceId, instance]))
    return InstanceDirectory.of({
      create: (request) =>
        Effect.sync(() => {
          const instance = Instance.make(request.instanceId ?? randomUUID(), request)
          instances.set(instance.instanceId, instance)
          return instance
        }),
      find: (id) => Effect.sync(() => Option.fromUndefinedOr(instances.get(id))),
      update: (id, change) =>
        Effect.sync(() => {
          const instance = instances.get(id)
          if (instance === undefined) return Option.none()
          const changed: Instance.Instance = { ...instance, ...change }
          instances.set(id, changed)
          return Option.some(changed)
        }),
      delete: (id) => Effect.sync(() => instances.delete(id)),
      list: Effect.sync(() => [...instances.values()])
    })
  })
