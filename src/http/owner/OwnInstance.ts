/**
 * Whether an instance serves a website.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as Errors from "../../contract/owner/Errors.ts"
import type { AuthorizedSite } from "../../core/sites/Access.ts"
import type { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"

const notFound = Errors.make(
  "NotFound",
  "This website has no such instance. GET /v1/owner/sites/{site_id}/instances lists its instances."
)

/** The instance. Fails for one that does not exist, or that serves another website or none: for the caller, these are the same. */
export const require = (directory: InstanceDirectory["Service"]) =>
  Effect.fnUntraced(function* ({ site }: AuthorizedSite<"read">, instanceId: string) {
    const found = yield* directory.find(instanceId)
    if (Option.isNone(found) || found.value.websiteConfigId !== site.websiteConfigId)
      return yield* Effect.fail(notFound)
    return found.value
  })
