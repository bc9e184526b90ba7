/**
 * Values that a request may contain: texts, numbers and JSON, ordinary and strange.
 *
 * @module
 */
import type { Random } from "./Random.ts"

/** Texts that a server may handle wrongly. */
export const strings: ReadonlyArray<string> = [
  "",
  "a",
  "/pricing?utm_source=news&utm_medium=%F0%9F%99%82",
  "Grüße 🙂 𝕏",
  "\u202eevil\u202c \u200f",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udc00x",
  "\u2028\u2029\ufeff",
  "'; DROP TABLE submission; --",
  "<script>alert(1)</script>",
  "{{7*7}}$" + "{7*7}",
  "\u001b[31mred\u0007",
  "line\r\nX-Injected: yes",
  "=cmd|' /C calc'!A0",
  "javascript:alert(1)",
  "https://example.org/a?token=secret#x",
  "../../etc/passwd",
  "%00%ff%fe",
  "NaN",
  "null",
  "12",
  "__proto__",
  "constructor"
]

/** JSON numbers that a reader may round, overflow or refuse. */
export const numbers = [
  "0",
  "-0",
  "1",
  "1.5",
  "12.0",
  "-1",
  "320",
  "1e400",
  "-1e-400",
  "9007199254740993",
  "123456789012345678901234567890",
  "9".repeat(4_000),
  "0.1e1"
]

/** Arbitrary JSON text. */
export const anyJson = (random: Random, depth = 0): string => {
  const kind = random.below(depth > 4 ? 4 : 6)
  if (kind === 0) return JSON.stringify(random.pick(strings))
  if (kind === 1) return random.pick(numbers)
  if (kind === 2) return random.pick(["true", "false", "null"])
  if (kind === 3) return JSON.stringify(random.pick(strings).repeat(1 + random.below(20)))
  const items = Array.from({ length: random.below(4) }, () => anyJson(random, depth + 1))
  return kind === 4
    ? `[${items.join(",")}]`
    : `{${items.map((item) => `${JSON.stringify(random.pick(strings))}:${item}`).join(",")}}`
}
