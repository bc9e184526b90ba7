/**
 * Stores instances. `postgres/InstanceDirectory.ts` stores them in PostgreSQL.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Context, Effect, Layer, Option, Result, Schema } from "effect"
import { InstanceId, type WebsiteConfigId } from "../platform/Id.ts"
import { LimitReached, type StorageUnavailable } from "../platform/Storage.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Maximums from "../sites/Maximums.ts"
import * as Instance from "./Instance.ts"

/** Whose instances a caller reaches: those of a website, or all for the operator. */
export type Reach = WebsiteConfigId | "all"

/** There is no website with this id, or it is being deleted. Nothing was stored. */
export class WebsiteUnknown extends Schema.TaggedError<WebsiteUnknown>()("WebsiteUnknown", {}) {}

export class InstanceDirectory extends Context.Service<
  InstanceDirectory,
  {
    /** Creates an instance. Fails if its website has as many as `Maximums.instances`. */
    readonly create: (
      instance: Instance.NewInstance
    ) => Effect.Effect<Instance.Instance, StorageUnavailable | LimitReached | WebsiteUnknown>
    /** The instance, of any website. Another process's change may be seen a second later. */
    readonly find: (instanceId: InstanceId) => Effect.Effect<Option.Option<Instance.Instance>, StorageUnavailable>
    /** The instance as it is stored. */
    readonly read: (
      reach: Reach,
      instanceId: InstanceId
    ) => Effect.Effect<Option.Option<Instance.Instance>, StorageUnavailable>
    /**
     * Changes an instance and returns it; none if there is no such instance. Every process sees the change within a second. Fails
     * if the instance would move to a website that has as many as `Maximums.instances`.
     */
    readonly update: (
      instanceId: InstanceId,
      change: Instance.InstanceChange
    ) => Effect.Effect<Option.Option<Instance.Instance>, StorageUnavailable | LimitReached | WebsiteUnknown>
    /**
     * Like `update`, with a change that depends on the instance as it is stored: no other change happens in between. If `decide`
     * fails, nothing changes.
     */
    readonly modify: <E>(
      reach: Reach,
      instanceId: InstanceId,
      decide: (before: Instance.Instance) => Result.Result<Omit<Instance.InstanceChange, "website_config_id">, E>
    ) => Effect.Effect<Option.Option<Instance.Instance>, E | StorageUnavailable>
    /**
     * Deletes an instance with its tokens and conversations. Within a second, every process refuses chats with it. False if there
     * is none.
     */
    readonly delete: (reach: Reach, instanceId: InstanceId) => Effect.Effect<boolean, StorageUnavailable>
    /** The instances, oldest first. */
    readonly list: (reach: Reach) => Effect.Effect<ReadonlyArray<Instance.Instance>, StorageUnavailable>
  }
>()("hydracore/chat/InstanceDirectory") {}

/** Whether a caller reaches an instance. */
const reaches = (reach: Reach, instance: Instance.Instance): boolean =>
  reach === "all" || instance.website_config_id === reach

/**
 * Keeps instances in this process, for tests and trials. Unbounded, because visitors cannot create instances. Knows no websites:
 * every `website_config_id` is accepted.
 *
 * @param options.instances the instances that exist at the start
 */
export const layerMemory = (
  options: { readonly instances?: ReadonlyArray<Instance.Instance> } = {}
): Layer.Layer<InstanceDirectory> =>
  Layer.sync(InstanceDirectory, () => {
    const instances = new Map((options.instances ?? []).map((instance) => [instance.instance_id, instance]))
    const found = (reach: Reach, id: InstanceId) =>
      Option.filter(Option.fromUndefinedOr(instances.get(id)), (instance) => reaches(reach, instance))
    const list = (reach: Reach) => [...instances.values()].filter((instance) => reaches(reach, instance))
    const modify: InstanceDirectory["Service"]["modify"] = (reach, id, decide) =>
      Effect.suspend(() =>
        Option.match(found(reach, id), {
          onNone: () => Effect.succeedNone,
          onSome: (before) =>
            Effect.map(Effect.fromResult(decide(before)), (change) => {
              const changed: Instance.Instance = { ...before, ...change }
              instances.set(id, changed)
              return Option.some(changed)
            })
        })
      )
    const isFull = (websiteConfigId: WebsiteConfigId | null) =>
      websiteConfigId !== null && list(websiteConfigId).length >= Maximums.instances.max
    return InstanceDirectory.of({
      modify,
      create: (request) =>
        Effect.suspend(() => {
          const instance = Instance.make(request.instance_id ?? InstanceId.make(randomUUID()), request)
          if (isFull(instance.website_config_id)) {
            return Effect.fail(new LimitReached({ maximum: Maximums.instances }))
          }
          instances.set(instance.instance_id, instance)
          return Effect.succeed(instance)
        }),
      find: (id) => Effect.sync(() => found("all", id)),
      read: (reach, id) => Effect.sync(() => found(reach, id)),
      update: (id, change) =>
        modify("all", id, (before) => {
          const { website_config_id: websiteConfigId = null } = change
          return websiteConfigId !== before.website_config_id && isFull(websiteConfigId)
            ? Result.fail(new LimitReached({ maximum: Maximums.instances }))
            : Result.succeed(change)
        }),
      delete: (reach, id) => Effect.sync(() => Option.isSome(found(reach, id)) && instances.delete(id)),
      list: (reach) => Effect.sync(() => list(reach))
    })
  })

export const instanceNotFound = Errors.make(
  "NotFound",
  "This website has no such instance. GET /v1/owner/sites/{site_id}/instances lists its instances."
)

/** Fails with the same 404 for an instance that does not exist and for one that does not serve the website. */
export const requireInstance =
  (directory: Pick<InstanceDirectory["Service"], "read">) => (reach: Reach, instanceId: InstanceId) =>
    Effect.flatMap(
      directory.read(reach, instanceId),
      Effect.fromOption(() => instanceNotFound)
    )
