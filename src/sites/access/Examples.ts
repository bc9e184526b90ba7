/**
 * The values that the examples of the owner API's document share.
 *
 * @module
 */
import { exampleUuid } from "../../platform/contract/Field.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"

export const siteId = WebsiteConfigId.make("0f8fad5b-d9cb-469f-a165-70867728950e")

export const id = exampleUuid

export const time = "2026-11-25T09:00:00.000Z"
