/**
 * The fields that only events have. The error of an object names the invalid member. Pure.
 *
 * @module
 */
import { Predicate, Result } from "effect"
import * as Wire from "../contract/Wire.ts"
import { limits, pageviewName } from "../core/analytics/EventLimits.ts"

type MemberError = NonNullable<Wire.FieldError["members"]>[number]

type Value = string | number | boolean

const readEventName = Wire.readText({ minLength: 1, maxLength: limits.name })

/** The name of an event. It cannot be the name of page views, so that reports by `event:name` do not mix the two. */
export const Name = Wire.field<string>(
  { type: "string", title: "Name", minLength: 1, maxLength: limits.name, not: { const: pageviewName } },
  (input) =>
    input === pageviewName
      ? Wire.fail(
          "value_error",
          `Value error, ${pageviewName} is the name of page views; send these to /v1/public/analytics/track, or choose another name`
        )
      : readEventName(input)
)

/** Combines the errors of members into the error of their object. */
const failAll = (members: ReadonlyArray<MemberError>) =>
  Result.fail<Wire.FieldError>({ type: "value_error", msg: "Value error, not a valid value", members })

const readString = Wire.readText({ maxLength: limits.propertyValue })

/** An integer beyond 2^53 arrives as a `bigint`. */
const numberOf = (input: unknown): unknown => (typeof input === "bigint" ? Number(input) : input)

const readNumber: Wire.ReadField<number> = (input) => {
  const number = numberOf(input)
  if (typeof number !== "number") return Wire.fail("float_type", "Input should be a valid number")
  return Number.isFinite(number)
    ? Result.succeed(number)
    : Wire.fail("finite_number", "Input should be a finite number")
}

const readValue: Wire.ReadField<Value> = (input) => {
  if (typeof input === "boolean") return Result.succeed(input)
  if (typeof input === "number" || typeof input === "bigint") return readNumber(input)
  return typeof input === "string"
    ? readString(input)
    : Wire.fail("value_error", "Value error, a property is a text, a number or a boolean")
}

const readName = Wire.readText({ minLength: 1, maxLength: limits.propertyName })

const readProperties: Wire.ReadField<Readonly<Record<string, Value>>> = (input) => {
  if (!Predicate.isObject(input)) return Wire.fail("dict_type", "Input should be a valid dictionary")
  const entries = Object.entries(input)
  if (entries.length > limits.properties) {
    return Wire.fail(
      "too_long",
      `Dictionary should have at most ${limits.properties} items after validation, not ${entries.length}`
    )
  }
  const errors: Array<MemberError> = []
  const values: Array<readonly [string, Value]> = []
  for (const [name, member] of entries) {
    const nameResult = readName(name)
    const valueResult = readValue(member)
    if (Result.isFailure(nameResult)) errors.push({ ...nameResult.failure, loc: [name, "[key]"] })
    if (Result.isFailure(valueResult)) errors.push({ ...valueResult.failure, loc: [name] })
    else values.push([name, valueResult.success])
  }
  return errors.length === 0 ? Result.succeed(Object.fromEntries(values)) : failAll(errors)
}

/** At most 30 texts, numbers and booleans by name. */
export const Properties = Wire.optional(
  "Properties",
  {
    type: "object",
    maxProperties: limits.properties,
    propertyNames: { type: "string", minLength: 1, maxLength: limits.propertyName },
    additionalProperties: {
      anyOf: [{ type: "string", maxLength: limits.propertyValue }, { type: "number" }, { type: "boolean" }]
    }
  },
  readProperties
)

const readAmount: Wire.ReadField<number> = (input) =>
  Result.flatMap(readNumber(input), (amount) =>
    Math.abs(amount) < limits.amount
      ? Result.succeed(amount)
      : Wire.fail("value_error", `Value error, an amount is between -${limits.amount} and ${limits.amount}`)
  )

const readCurrency: Wire.ReadField<string> = (input) =>
  typeof input === "string" && /^[a-z]{3}$/i.test(input)
    ? Result.succeed(input)
    : Wire.fail("value_error", "Value error, a currency has the three letters of ISO 4217, such as EUR")

const missing: Wire.FieldError = { type: "missing", msg: "Field required" }

const readRevenue: Wire.ReadField<{ readonly currency: string; readonly amount: number }> = (input) => {
  if (!Predicate.isObject(input)) return Wire.fail("dict_type", "Input should be a valid dictionary")
  const { amount, currency } = input as Record<string, unknown>
  const read = <A>(field: Wire.ReadField<A>, value: unknown): Result.Result<A, Wire.FieldError> =>
    value === undefined ? Result.fail(missing) : field(value)
  const currencyResult = read(readCurrency, currency)
  const amountResult = read(readAmount, amount)
  if (Result.isSuccess(currencyResult) && Result.isSuccess(amountResult)) {
    return Result.succeed({ currency: currencyResult.success, amount: amountResult.success })
  }
  return failAll([
    ...(Result.isFailure(currencyResult) ? [{ ...currencyResult.failure, loc: ["currency"] }] : []),
    ...(Result.isFailure(amountResult) ? [{ ...amountResult.failure, loc: ["amount"] }] : [])
  ])
}

/** An amount in the currency's main unit. The amount is stored in thousandths. */
export const Revenue = Wire.optional(
  "Revenue",
  {
    type: "object",
    required: ["currency", "amount"],
    properties: {
      currency: { type: "string", pattern: "^[A-Za-z]{3}$", description: "ISO 4217" },
      amount: { type: "number", exclusiveMinimum: -limits.amount, exclusiveMaximum: limits.amount }
    }
  },
  readRevenue
)
