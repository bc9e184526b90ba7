import { Layer } from "effect"
import * as Decisions from "../../src/memory/Decisions.ts"
import * as SiteDirectory from "../../src/memory/SiteDirectory.ts"
import { suite } from "../suites/Decisions.ts"

suite("memory/Decisions", Layer.merge(Decisions.layer(), SiteDirectory.layer()))
