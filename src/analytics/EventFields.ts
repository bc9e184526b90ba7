/**
 * The fields that only events have. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import * as Fault from "../platform/contract/Fault.ts"
import * as Field from "../platform/contract/Field.ts"
import { limits, pageviewName } from "./EventLimits.ts"

/** The name of an event. It cannot be the name of page views, so that reports by `event:name` do not mix the two. */
export const Name = Schema.String.check(
  Field.check<string>(
    (name) => name !== pageviewName,
    Fault.value(
      `${pageviewName} is the name of page views; send these to /v1/public/analytics/track, or choose another name`
    ),
    { not: { const: pageviewName } }
  ),
  Field.isWellFormed,
  Field.isNotEmpty,
  Field.isAtMost(limits.name)
).annotate({ title: "Name" })

const Amount = Schema.Finite.annotate(Fault.annotation(Fault.notFinite))

/** The fault of a property's name. */
const ofName = (fault: Fault.Fault): Fault.Fault => ({ ...fault, path: ["[key]"] })

/** A text that is decoded to a checked text, because a record ignores the keys that its key's own type refuses. */
const PropertyName = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Field.check<string>((name) => name.isWellFormed(), ofName(Fault.notUnicode)),
      Field.check<string>((name) => name !== "", ofName(Fault.tooShort)),
      Field.check<string>(
        (name) => !Field.hasMoreCodePointsThan(name, limits.propertyName),
        ofName(Fault.tooLong(limits.propertyName))
      )
    )
  )
)

const PropertyValue = Schema.Union([
  Schema.String.check(Field.isWellFormed, Field.isAtMost(limits.propertyValue)),
  Amount,
  Schema.Boolean
]).annotate(Fault.annotation(Fault.value("a property is a text, a number or a boolean")))

const tooMany = (properties: object) => {
  const count = Object.keys(properties).length
  return count > limits.properties ? Fault.issue(Fault.tooManyProperties(limits.properties, count)) : undefined
}

/** Texts, numbers and booleans by name. */
export const Properties = Field.optional(
  Schema.Record(PropertyName, PropertyValue).check(
    Schema.makeFilter(tooMany, {
      toJsonSchema: () => ({
        maxProperties: limits.properties,
        propertyNames: { type: "string", minLength: 1, maxLength: limits.propertyName }
      })
    })
  ),
  { title: "Properties" }
)

const currency: Fault.Fault = Fault.value("a currency has the three letters of ISO 4217, such as EUR")

/** An amount in the currency's main unit. The amount is stored in thousandths. */
export const Revenue = Field.optional(
  Schema.Struct({
    currency: Schema.String.annotate({ ...Fault.annotation(currency), description: "ISO 4217" }).check(
      Field.check<string>((code) => /^[a-z]{3}$/i.test(code), currency, { pattern: "^[A-Za-z]{3}$" })
    ),
    amount: Amount.check(
      Field.check<number>(
        (amount) => Math.abs(amount) < limits.amount,
        Fault.value(`an amount is between -${limits.amount} and ${limits.amount}`),
        { exclusiveMinimum: -limits.amount, exclusiveMaximum: limits.amount }
      )
    )
  }),
  { title: "Revenue" }
)
