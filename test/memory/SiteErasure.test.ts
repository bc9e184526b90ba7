import { Layer } from "effect"
import * as AnalyticsRepo from "../../src/memory/AnalyticsRepo.ts"
import * as Decisions from "../../src/memory/Decisions.ts"
import * as PageViews from "../../src/memory/PageViews.ts"
import * as Reports from "../../src/memory/Reports.ts"
import * as SiteDirectory from "../../src/memory/SiteDirectory.ts"
import * as SiteErasure from "../../src/memory/SiteErasure.ts"
import * as SubmissionRepo from "../../src/memory/SubmissionRepo.ts"
import { suite } from "../suites/SiteErasure.ts"

suite(
  "memory/SiteErasure",
  SiteErasure.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.mergeAll(AnalyticsRepo.layer, Reports.layer).pipe(Layer.provideMerge(PageViews.layer())),
        SubmissionRepo.layer(),
        Decisions.layer(),
        SiteDirectory.layer()
      )
    )
  )
)
