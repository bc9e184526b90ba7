/**
 * The conversions in memory. The memory layer of `Leads` writes them, and other memory layers read them.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { Conversion } from "../../core/analytics/Lead.ts"
import * as Recent from "./Recent.ts"

export class Conversions extends Context.Service<Conversions, Recent.Recent<Conversion>>()(
  "hydracore/memory/Conversions"
) {}

/** At most `capacity` conversions, by default 100,000. */
export const layer = (options?: { readonly capacity?: number }): Layer.Layer<Conversions> =>
  Layer.sync(Conversions, () => Recent.make<Conversion>(options?.capacity ?? 100_000))
