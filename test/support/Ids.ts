/** Ids of tests. */
import { createHash } from "node:crypto"
import { isCanonicalUuid } from "../../src/platform/Id.ts"

/** The id of a kind that a text stands for. A UUID stands for itself; the same text always stands for the same id. */
export const id = <I extends string>(kind: { readonly make: (uuid: string) => I }, text: string): I =>
  kind.make(
    isCanonicalUuid(text)
      ? text
      : createHash("md5")
          .update(text)
          .digest("hex")
          .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
  )
