/**
 * Looks up an instance of a website.
 *
 * @module
 */
import { Effect, Option } from "effect"
import type { AnyAuthorizedSite } from "../sites/access/Access.ts"
import * as Errors from "../sites/access/Errors.ts"
import type { InstanceDirectory } from "./InstanceDirectory.ts"

const notFound = Errors.make(
  "NotFound",
  "This website has no such instance. GET /v1/owner/sites/{site_id}/instances lists its instances."
)

/** Fails with the same 404 for an instance that does not exist and for one that does not serve the website. */
export const require = (directory: Pick<InstanceDirectory["Service"], "find">) =>
  Effect.fnUntraced(function* ({ site }: AnyAuthorizedSite, instanceId: string) {
    const found = yield* directory.find(instanceId)
    if (Option.isNone(found) || found.value.websiteConfigId !== site.websiteConfigId)
      return yield* Effect.fail(notFound)
    return found.value
  })
