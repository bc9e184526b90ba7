import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import { layerMemory } from "../../src/chat/InstanceDirectory.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import { suite } from "../suites/InstanceDirectory.ts"

suite(
  "chat/InstanceDirectory",
  layerMemory(),
  Effect.sync(() => WebsiteConfigId.make(randomUUID()))
)
