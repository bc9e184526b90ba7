import { Layer } from "effect"
import * as InstanceDirectory from "../../../src/memory/chat/InstanceDirectory.ts"
import * as Decisions from "../../../src/memory/sites/Decisions.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import { suite } from "../../suites/Decisions.ts"

suite(
  "memory/sites/Decisions",
  Decisions.layer().pipe(Layer.provideMerge(Layer.merge(SiteDirectory.layer(), InstanceDirectory.layer())))
)
