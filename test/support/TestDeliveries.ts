/**
 * Sends test events and mails invitations. Test events go to the public internet, or to the hosts that a test allows.
 *
 * @module
 */
import { Layer, Option } from "effect"
import * as Invitations from "../../src/delivery/mail/MailedInvitations.ts"
import { MailServer } from "../../src/delivery/mail/Mailer.ts"
import type { AllowedHost } from "../../src/platform/outward/AddressGuard.ts"
import * as OutwardClient from "../../src/platform/outward/OutwardClient.ts"

export type Mail = MailServer["Service"]

export const layer = (allowed: ReadonlyArray<AllowedHost> = [], mail: Mail = Option.none()) =>
  Layer.merge(OutwardClient.layer({ allowed }), Layer.provideMerge(Invitations.layer, Layer.succeed(MailServer, mail)))
