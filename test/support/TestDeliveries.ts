/**
 * Sends test events and mails invitations. Test events go to the public internet, or to the hosts that a test allows.
 *
 * @module
 */
import { Layer, Option } from "effect"
import * as Invitations from "../../src/delivery/mail/MailedInvitations.ts"
import * as TestDeliveries from "../../src/delivery/TestDeliveries.ts"
import type { AllowedHost } from "../../src/platform/outward/AddressGuard.ts"
import * as OutwardClient from "../../src/platform/outward/OutwardClient.ts"

export const layer = (allowed: ReadonlyArray<AllowedHost> = [], mail: TestDeliveries.Options["mail"] = Option.none()) =>
  Layer.merge(
    Layer.provide(TestDeliveries.layer({ mail }), OutwardClient.layer({ allowed })),
    Invitations.layer({ mail })
  )
