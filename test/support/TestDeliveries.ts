/**
 * Sends test events and mails invitations. Test events go to the public internet, or to the hosts that a test allows.
 *
 * @module
 */
import { Layer, Option } from "effect"
import type { AllowedHost } from "../../src/core/delivery/AddressGuard.ts"
import * as Invitations from "../../src/delivery/Invitations.ts"
import * as OutwardClient from "../../src/delivery/OutwardClient.ts"
import * as TestDeliveries from "../../src/delivery/TestDeliveries.ts"

export const layer = (allowed: ReadonlyArray<AllowedHost> = [], mail: TestDeliveries.Options["mail"] = Option.none()) =>
  Layer.merge(
    Layer.provide(TestDeliveries.layer({ mail }), OutwardClient.layer({ allowed })),
    Invitations.layer({ mail })
  )
