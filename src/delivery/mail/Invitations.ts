/**
 * Sends links that open the console, by mail. The interface only; see `delivery/mail/MailedInvitations`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { Invitation } from "./InvitationMail.ts"
import type { Invited } from "./InvitationToken.ts"
import type { Outcome } from "./MailSchedule.ts"

export class Invitations extends Context.Service<
  Invitations,
  {
    /** None if this process sends no mail, or does not know the console's URL. */
    readonly mail: Option.Option<{
      /** The origin of the console that a link opens. */
      readonly origin: string
      /** Sends a mail at once. The recipient's address is not stored. */
      readonly send: (invited: Invited, invitation: Invitation) => Effect.Effect<Outcome>
    }>
  }
>()("hydracore/delivery/mail/Invitations") {}
