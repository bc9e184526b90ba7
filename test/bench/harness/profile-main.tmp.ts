import { readFileSync } from "node:fs"
import { Option } from "effect"
import * as Profile from "./Profile.ts"
console.log(Profile.report(Option.getOrThrow(Profile.selfTimes(readFileSync(process.argv[2]!, "utf8"))), 45))
