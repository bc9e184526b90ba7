/**
 * All rows of the analytics in the memory of this process.
 *
 * @module
 */
import { Layer } from "effect"
import * as Conversions from "./Conversions.ts"
import * as Events from "./Events.ts"
import * as GoalRows from "./GoalRows.ts"
import * as PageViews from "./PageViews.ts"

export const layer = Layer.mergeAll(PageViews.layer(), Events.layer(), Conversions.layer(), GoalRows.layer)
