import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Certificate from "../../../src/platform/outward/Certificate.ts"

describe("platform/outward/Certificate", () => {
  it("recognizes the codes that are about certificates", () => {
    for (const code of ["CERT_REVOKED", "CERT_CHAIN_TOO_LONG", "UNABLE_TO_DECRYPT_CERT_SIGNATURE", "INVALID_CA"]) {
      assert.strictEqual(Certificate.faultOf(code), "invalid", code)
    }
    for (const code of [undefined, "ECONNREFUSED", "ENOTFOUND", "ERR_SSL_WRONG_VERSION_NUMBER", "28P01", "toString"]) {
      assert.isUndefined(Certificate.faultOf(code), code)
    }
  })

  it.prop(
    "every fault has a description and advice, each one clause",
    [Schema.Literals(Certificate.faults)],
    ([fault]) => {
      for (const clause of [Certificate.descriptions[fault], Certificate.advice(fault, "REDIS_URL")]) {
        assert.match(clause, /^[a-z][^.;:\n]+$/)
      }
    }
  )
})
