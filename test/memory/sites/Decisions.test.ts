import { Layer } from "effect"
import * as Decisions from "../../../src/memory/sites/Decisions.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import { suite } from "../../suites/Decisions.ts"

suite("memory/sites/Decisions", Decisions.layer().pipe(Layer.provideMerge(SiteDirectory.layer())))
