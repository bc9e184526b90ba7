/**
 * Looks up an instance that a caller reaches.
 *
 * @module
 */
import { Effect } from "effect"
import type { InstanceId } from "../platform/Id.ts"
import * as Errors from "../sites/access/Errors.ts"
import type { InstanceDirectory, Reach } from "./InstanceDirectory.ts"

export const notFound = Errors.make(
  "NotFound",
  "This website has no such instance. GET /v1/owner/sites/{site_id}/instances lists its instances."
)

/** Fails with the same 404 for an instance that does not exist and for one that does not serve the website. */
export const require =
  (directory: Pick<InstanceDirectory["Service"], "read">) => (reach: Reach, instanceId: InstanceId) =>
    Effect.flatMap(
      directory.read(reach, instanceId),
      Effect.fromOption(() => notFound)
    )
