/**
 * Says why an address that has not confirmed gets no other mail, and when it can get one. Pure.
 *
 * @module
 */
import {
  type InvitationRefusal,
  maxMails,
  maxMailsToAddress,
  type RepeatRefusal,
  repeatMillis
} from "./MailRecipient.ts"

const minute = 60_000

const count = (number: number, unit: string): string => (number === 1 ? `1 ${unit}` : `${number} ${unit}s`)

/** A wait, rounded up: in minutes below two hours, otherwise in hours. */
const inWords = (millis: number): string => {
  const minutes = Math.max(1, Math.ceil(millis / minute))
  return minutes < 120 ? count(minutes, "minute") : count(Math.ceil(minutes / 60), "hour")
}

const reasons = {
  interval: `At least ${repeatMillis / minute} minutes pass between two mails to an address that has not confirmed.`,
  address: `An address that has not confirmed gets at most ${maxMailsToAddress} mails a day.`,
  website: `A website sends at most ${maxMails} mails a day to addresses that have not confirmed.`
}

/** Sentences for the owner, with the next step. */
export const message = (refusal: RepeatRefusal): string => {
  switch (refusal._tag) {
    case "Confirmed":
      return "This address is confirmed already, and gets its mails."
    case "Unsubscribed":
      return "This address unsubscribed from mails of this website. Only the service's operator can add it again, with `hydracore notify add`, if the person asks for it."
    case "TooSoon":
      return `${reasons[refusal.limit]} Try again in ${inWords(refusal.waitMillis)}.`
  }
}

/** The same for an invitation to the console. */
export const ofInvitation = (refusal: InvitationRefusal): string =>
  refusal._tag === "Unsubscribed"
    ? "This address unsubscribed from mails of this website. Create the link without an email address, and send it to the person yourself."
    : message(refusal)
