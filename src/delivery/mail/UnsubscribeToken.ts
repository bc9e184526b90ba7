/**
 * The token in a mail's unsubscribe link: the id of the notification, signed. Pure.
 *
 * @module
 */
import { Option } from "effect"
import { NotificationId } from "../../platform/Id.ts"
import * as LinkToken from "./LinkToken.ts"

/** The token of a notification, which is safe in a URL's path. */
export const sign = (secretsKey: Uint8Array, notificationId: NotificationId): string =>
  LinkToken.sign(secretsKey, "unsubscribe", notificationId)

/** The notification of a token; none if the token was not signed with this key. */
export const verify = (secretsKey: Uint8Array, token: string): Option.Option<NotificationId> =>
  Option.flatMap(LinkToken.verify(secretsKey, "unsubscribe", token), (id) => NotificationId.makeOption(id))
