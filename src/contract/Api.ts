/**
 * The published API: what HydraCore calls its Public router.
 *
 * @module
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { AnalyticsGroup } from "./Analytics.ts"
import { FormsGroup } from "./Forms.ts"
import { asPublished } from "./OpenApi.ts"
import { WidgetGroup } from "./Widget.ts"

export class Api extends HttpApi.make("hydracore-public")
  .add(AnalyticsGroup, FormsGroup, WidgetGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "HydraCore Public API",
      version: "1.0.0",
      description: "What published websites send to HydraCore: page views, form submissions and chat messages.",
      transform: asPublished
    })
  ) {}
